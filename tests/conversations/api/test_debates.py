"""The HTTP API, and every door at which somebody else's conversation is refused."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient
from pytest_django import Settings

from conversations.domain import transcript
from conversations.domain.enums import Status
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import Conversation, Event
from tests.fakes.openai_server import OpenAIServer
from tests.support import debates
from tests.support.sockets import browser, path_of

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/api/conversations/"


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return debates.create(alice, topic="Is Tarnwick worth buying?", content="Revenue 412 million.")


async def signed_in(person: User, **how: Any) -> AsyncClient:
    client = AsyncClient(**how)
    await database.call(client.force_login, person)
    return client


async def post(client: AsyncClient, body: object, **headers: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return await client.post(LIST, text, content_type="application/json", **headers)


def body_of(answer: Any) -> Any:
    return json.loads(answer.content)


async def stored() -> tuple[int, int]:
    return await database.call(lambda: (Conversation.objects.count(), Event.objects.count()))


async def test_a_body_that_is_too_large_is_refused_in_the_same_shape(alice: User, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    answer = await post(await signed_in(alice), {"topic": "x" * 2_000})
    assert (answer.status_code, body_of(answer)["code"]) == (413, "too_large")


# Starting


async def test_a_debate_is_started(alice: User, openai: OpenAIServer) -> None:
    client = await signed_in(alice)
    answer = await post(client, {"topic": " Buy? ", "content": "Text.", "content_type": "news", "rounds": 1})
    assert answer.status_code == 201
    started = body_of(answer)
    conversation = await database.call(Conversation.objects.get)
    assert started == {
        "id": str(conversation.pk),
        "topic": "Buy?",
        "status": "queued",
        "url": f"/conversations/{conversation.pk}/",
        "ws_url": f"/ws/conversations/{conversation.pk}/",
    }
    assert (conversation.topic, conversation.content_type, conversation.owner_id) == (
        "Buy?",
        "news",
        alice.pk,
    )
    await debates.debates_ended()
    assert (await debates.fresh(conversation)).status == "completed"


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({}, [("topic", "missing")]),
        ({"topic": ""}, [("topic", "string_too_short")]),
        ({"topic": "x" * 501}, [("topic", "string_too_long")]),
        ({"topic": "Buy?", "content": "x" * 500_001}, [("content", "string_too_long")]),
        ({"topic": "Buy?", "content_type": "poem"}, [("content_type", "enum")]),
        ({"topic": "Buy?", "panel": "x"}, [("panel", "unknown_panel")]),
        ({"topic": "Buy?", "rounds": 0}, [("rounds", "greater_than_equal")]),
        ({"topic": "Buy?", "rounds": 7}, [("rounds", "less_than_equal")]),
        ({"topic": "Buy?", "rounds": "2"}, [("rounds", "int_type")]),
        ({"topic": "Buy?", "surprise": 1}, [("surprise", "extra_forbidden")]),
        ({"topic": "a\0b"}, [("topic", "no_nul")]),
        ({"topic": "\ud800"}, [("topic", "string_unicode")]),
        ({"rounds": 9}, [("topic", "missing"), ("rounds", "less_than_equal")]),
        ("{", [("body", "json")]),
        ("", [("body", "missing")]),
        ("[]", [("body", "model_type")]),
        ("5", [("body", "model_type")]),
        ("null", [("body", "model_type")]),
        ("[" * 60_000, [("body", "json")]),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_input_that_breaks_a_rule_is_422_and_stores_nothing(
    alice: User, body: object, problems: list[tuple[str, str]]
) -> None:
    answer = await post(await signed_in(alice), body)
    assert answer.status_code == 422
    told = body_of(answer)
    assert (told["code"], set(told)) == ("invalid", {"code", "message", "errors"})
    assert [(problem["field"], problem["rule"]) for problem in told["errors"]] == problems
    assert all(problem["message"].endswith(".") for problem in told["errors"])
    assert await stored() == (0, 0)


@pytest.mark.parametrize("path", [LIST, f"{LIST}estimate"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"instrument": "Appel"}, "There is no instrument 'Appel'. Did you mean AAPL?"),
        ({"as_of": "2999-01-01T00:00:00Z"}, "Enter a time that has passed."),
    ],
)
async def test_what_cannot_be_put_on_record_is_422_before_it_costs_anything(
    alice: User, openai: OpenAIServer, path: str, values: dict[str, str], message: str
) -> None:
    client = await signed_in(alice)
    body = json.dumps({"topic": "Buy?", **values})
    answer = await client.post(path, body, content_type="application/json")
    [problem] = body_of(answer)["errors"]
    assert (answer.status_code, problem["field"], problem["message"]) == (422, *values, message)
    assert (await stored(), openai.asked) == ((0, 0), [])


async def test_one_debate_too_many_is_429(
    alice: User, conversation: Conversation, settings: Settings
) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 1
    answer = await post(await signed_in(alice), {"topic": "Buy?"})
    assert answer.status_code == 429
    assert body_of(answer) == {
        "code": "limit_reached",
        "message": "1 debate is already running (the maximum). Stop one or wait.",
        "running": [
            {
                "id": str(conversation.pk),
                "topic": conversation.topic,
                "status": "queued",
                "url": conversation.get_absolute_url(),
            }
        ],
    }
    assert await stored() == (1, 1)


async def test_one_debate_too_many_may_wait_for_its_turn(
    alice: User, conversation: Conversation, settings: Settings
) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 1
    answer = await post(await signed_in(alice), {"topic": "Buy?", "when_busy": "queue"})
    assert (answer.status_code, body_of(answer)["status"]) == (201, "queued")
    row = await database.call(lambda: Conversation.objects.get(pk=body_of(answer)["id"]))
    assert row.reason == "busy"


async def test_a_start_that_is_sent_again_with_its_key_starts_one_debate(
    alice: User, openai: OpenAIServer
) -> None:
    client = await signed_in(alice)
    body = {"topic": "Buy?", "rounds": 1, "idempotency_key": "one"}
    first, again = await post(client, body), await post(client, body)
    other = await post(client, {**body, "topic": "Sell?"})
    await debates.debates_ended()
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert body_of(first)["id"] == body_of(again)["id"]
    assert await database.call(Conversation.objects.count) == 1


async def test_a_limit_below_the_estimate_is_422(alice: User, openai: OpenAIServer) -> None:
    client = await signed_in(alice)
    asked = {"topic": "Buy?", "rounds": 1}
    estimate = await client.post(f"{LIST}estimate", json.dumps(asked), content_type="application/json")
    least = body_of(estimate)["tokens"]["low"]
    # The most that a first message and a verdict take, which is set aside before the first call.
    assert body_of(estimate)["to_begin"]["tokens"] > least
    refused = await post(client, {**asked, "max_tokens": least - 1})
    [problem] = body_of(refused)["errors"]
    assert (refused.status_code, problem["field"], problem["rule"]) == (422, "max_tokens", "below_estimate")
    assert f"{least:,}" in problem["message"]
    assert (await post(client, {**asked, "max_tokens": least})).status_code == 201
    await debates.debates_ended()


# Who may


async def test_who_is_not_signed_in_gets_401_everywhere(conversation: Conversation) -> None:
    client = AsyncClient()
    answers = [
        await post(client, {"topic": "Buy?"}),
        *[
            await client.get(path)
            for path in (
                LIST,
                f"{LIST}{conversation.pk}/",
                f"{LIST}{conversation.pk}/events",
                f"{LIST}{uuid4()}/",
            )
        ],
    ]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert body_of(answers[0]) == {"code": "unauthenticated", "message": "Sign in first, or send an API key."}
    assert await stored() == (1, 1)


async def test_a_start_without_the_csrf_token_is_403(alice: User) -> None:
    client = await signed_in(alice, enforce_csrf_checks=True)
    answer = await post(client, {"topic": "Buy?"})
    assert answer.status_code == 403
    assert body_of(answer) == {
        "code": "csrf",
        "message": "The CSRF token is missing or wrong; send it as X-CSRFToken.",
    }
    assert await stored() == (0, 0)


async def test_a_start_with_the_csrf_token_is_taken(alice: User, openai: OpenAIServer) -> None:
    client = await signed_in(alice, enforce_csrf_checks=True)
    token = "a" * 32
    client.cookies["csrftoken"] = token
    answer = await post(client, {"topic": "Buy?", "rounds": 1}, headers={"X-CSRFToken": token})
    assert answer.status_code == 201


@pytest.mark.parametrize("person", ["bob", "staff"])
async def test_somebody_elses_conversation_is_refused_at_every_door(
    conversation: Conversation, bob: User, person: str
) -> None:
    if person == "staff":
        bob.is_staff = True
        await database.call(bob.save)
    client = await signed_in(bob)
    unknown = uuid4()

    async def told(path: str) -> tuple[int, str]:
        answer = await client.get(path)
        text = answer.content.decode()
        assert "Tarnwick" not in text
        assert "412 million" not in text
        # Pages carry a CSRF token, which is another each time.
        text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)
        return answer.status_code, text.replace(str(conversation.pk), "ID").replace(str(unknown), "ID")

    for path in ("/api/conversations/{}/", "/api/conversations/{}/events", "/conversations/{}/"):
        status, text = await told(path.format(conversation.pk))
        assert status == 404
        # What is unknown looks the same.
        assert await told(path.format(unknown)) == (404, text)
    async with browser(bob, path_of(conversation)) as tab:
        assert await tab.until_closed() == []
        assert tab.closed == 4404
    for path in ("", f"{conversation.pk}/change/", f"{conversation.pk}/", f"{conversation.pk}/history/"):
        answer = await client.get(f"/admin/conversations/conversation/{path}", follow=True)
        assert "Tarnwick" not in answer.content.decode()
    assert body_of(await client.get(LIST))["results"] == []
    assert "Tarnwick" not in (await client.get("/")).content.decode()


async def test_a_reviewer_reads_everybodys_conversation(carol: User, conversation: Conversation) -> None:
    client = await signed_in(carol)
    answer = await client.get(f"{LIST}{conversation.pk}/")
    assert (answer.status_code, body_of(answer)["topic"]) == (200, conversation.topic)
    # The list is of one's own.
    assert body_of(await client.get(LIST))["count"] == 0


# Commands and words


async def tell(client: AsyncClient, conversation: Conversation | UUID, what: str, body: object) -> Any:
    pk = conversation if isinstance(conversation, UUID) else conversation.pk
    return await client.post(f"{LIST}{pk}/{what}", json.dumps(body), content_type="application/json")


async def test_a_command_and_words_are_accepted(alice: User, conversation: Conversation) -> None:
    client = await signed_in(alice)
    answer = await tell(client, conversation, "control", {"action": "pause", "idempotency_key": "k"})
    assert (answer.status_code, body_of(answer)) == (202, {"seq": 2, "status": "queued"})
    again = await tell(client, conversation, "control", {"action": "pause", "idempotency_key": "k"})
    assert body_of(again) == body_of(answer)
    answer = await tell(client, conversation, "input", {"text": "What about debt?"})
    assert (answer.status_code, body_of(answer)) == (202, {"seq": 3, "status": "queued"})
    assert [type_ for _, type_, _ in await debates.rows(conversation)] == [
        "status",
        "control",
        "human_message",
    ]


async def test_what_is_at_odds_with_the_log_is_409_with_the_status(
    alice: User, conversation: Conversation
) -> None:
    client = await signed_in(alice)
    answer = await tell(client, conversation, "input", {"text": "Yes.", "reply_to": str(uuid4())})
    assert (answer.status_code, body_of(answer)) == (
        409,
        {
            "code": "conflict",
            "message": "There is no such question in this debate.",
            "status": "queued",
        },
    )
    await appender.append(conversation.pk, debates.status(Status.CANCELLED))
    for what, body in (("control", {"action": "cancel"}), ("input", {"text": "Debt?"})):
        answer = await tell(client, conversation, what, body)
        assert (answer.status_code, body_of(answer)) == (
            409,
            {"code": "finished", "message": "This debate has ended.", "status": "cancelled"},
        )


@pytest.mark.parametrize(
    ("what", "body", "problem"),
    [
        ("control", {}, ("action", "missing")),
        ("control", {"action": "stop"}, ("action", "enum")),
        ("control", {"action": "pause", "idempotency_key": ""}, ("idempotency_key", "string_too_short")),
        ("input", {"text": " "}, ("text", "string_too_short")),
        ("input", {"text": "x" * 4_001}, ("text", "string_too_long")),
        ("input", {"text": "Yes.", "reply_to": "x"}, ("reply_to", "uuid_parsing")),
        ("input", {"text": "Yes.", "author": "bob"}, ("author", "extra_forbidden")),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_command_or_words_that_break_a_rule_are_422(
    alice: User, conversation: Conversation, what: str, body: object, problem: tuple[str, str]
) -> None:
    answer = await tell(await signed_in(alice), conversation, what, body)
    assert answer.status_code == 422
    assert [(error["field"], error["rule"]) for error in body_of(answer)["errors"]] == [problem]
    assert await stored() == (1, 1)


async def test_who_may_not_watch_gets_404_and_who_may_only_watch_403(
    alice: User, bob: User, carol: User, conversation: Conversation
) -> None:
    for what, body in (("control", {"action": "cancel"}), ("input", {"text": "Debt?"})):
        client = await signed_in(bob)
        refused, unknown = [await tell(client, pk, what, body) for pk in (conversation.pk, uuid4())]
        assert (refused.status_code, refused.content) == (404, unknown.content)
        answer = await tell(await signed_in(carol), conversation, what, body)
        assert (answer.status_code, body_of(answer)["code"]) == (403, "forbidden")
        assert (await tell(AsyncClient(), conversation, what, body)).status_code == 401
        client = await signed_in(alice, enforce_csrf_checks=True)
        assert body_of(await tell(client, conversation, what, body))["code"] == "csrf"
    assert await stored() == (1, 1)


# Reading


async def test_own_debates_are_listed_newest_first_and_paged(alice: User, settings: Settings) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 100
    made = [str((await debates.created(alice, topic=f"Q{n}")).pk) for n in range(23)]
    client = await signed_in(alice)
    first, second, third = [body_of(await client.get(f"{LIST}?page={page}")) for page in (1, 2, 3)]
    assert (first["count"], first["page"], first["pages"]) == (23, 1, 2)
    assert [row["id"] for row in first["results"] + second["results"]] == made[::-1]
    assert third["results"] == []


@pytest.mark.parametrize("page", ["0", "-1", "x", ""])
async def test_a_bad_page_is_422(alice: User, page: str) -> None:
    answer = await (await signed_in(alice)).get(f"{LIST}?page={page}")
    assert (answer.status_code, body_of(answer)["errors"][0]["field"]) == (422, "page")


async def test_a_debate_is_shown_with_its_folded_transcript(alice: User, conversation: Conversation) -> None:
    await appender.append(conversation.pk, *debates.every_event())
    shown = body_of(await (await signed_in(alice)).get(f"{LIST}{conversation.pk}/"))
    rows = await debates.rows(conversation)
    assert shown["transcript"] == transcript.fold(rows)
    assert (shown["status"], shown["verdict"], shown["cost"]) == ("completed", "buy", 0.0125)
    assert (shown["topic"], shown["content"], shown["content_type"]) == (
        "Is Tarnwick worth buying?", "Revenue 412 million.", "text",
    )  # fmt: skip
    assert shown["ws_url"] == conversation.ws_url


async def test_what_is_unknown_is_null_and_not_zero(alice: User, conversation: Conversation) -> None:
    shown = body_of(await (await signed_in(alice)).get(f"{LIST}{conversation.pk}/"))
    assert (shown["cost"], shown["verdict"], shown["started_at"], shown["finished_at"]) == (
        None,
        None,
        None,
        None,
    )


async def test_the_log_is_paged_from_any_cursor(alice: User, conversation: Conversation) -> None:
    await appender.append(conversation.pk, *debates.every_event())
    client = await signed_in(alice)
    rows, received, after = await debates.rows(conversation), [], 0
    while page := body_of(await client.get(f"{LIST}{conversation.pk}/events?after={after}&limit=4"))[
        "events"
    ]:
        assert len(page) <= 4
        received += [(event["seq"], event["type"], event["data"]) for event in page]
        after = page[-1]["seq"]
    assert received == rows


async def test_the_log_says_where_its_head_is(alice: User, conversation: Conversation) -> None:
    await appender.append(conversation.pk, debates.status(Status.ACTIVE))
    answer = body_of(await (await signed_in(alice)).get(f"{LIST}{conversation.pk}/events?after=99"))
    assert answer == {"head": 2, "events": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=-1", "after"),
        ("after=x", "after"),
        ("after=2147483648", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
    ],
)
async def test_a_bad_cursor_or_limit_is_422(
    alice: User, conversation: Conversation, query: str, field: str
) -> None:
    answer = await (await signed_in(alice)).get(f"{LIST}{conversation.pk}/events?{query}")
    assert answer.status_code == 422
    assert [problem["field"] for problem in body_of(answer)["errors"]] == [field]


async def test_nothing_in_the_api_changes_or_deletes_a_log(alice: User, conversation: Conversation) -> None:
    client = await signed_in(alice)
    for path in (LIST, f"{LIST}{conversation.pk}/events"):
        for method in (client.put, client.patch, client.delete):
            assert (await method(path)).status_code == 405
    assert (await client.put(f"{LIST}{conversation.pk}/")).status_code == 405
    assert await stored() == (1, 1)


# Documentation


async def test_the_api_is_described(alice: User) -> None:
    described = body_of(await AsyncClient().get("/api/openapi.json"))
    assert {path for path in described["paths"] if path.startswith(LIST)} == {
        "/api/conversations/",
        "/api/conversations/{conversation}/",
        "/api/conversations/{conversation}/events",
        "/api/conversations/{conversation}/export",
        "/api/conversations/{conversation}/control",
        "/api/conversations/{conversation}/input",
        "/api/conversations/{conversation}/again",
        "/api/conversations/{conversation}/again/estimate",
        "/api/conversations/{conversation}/restore",
        "/api/conversations/{conversation}/sharing",
        "/api/conversations/models",
        "/api/conversations/texts/{text}",
        "/api/conversations/estimate",
        "/api/conversations/{conversation}/stream",
        "/api/conversations/stream",
    }
    assert set(described["paths"][LIST]["post"]["responses"]) >= {"201", "422", "429"}
    assert (await (await signed_in(alice)).get("/api/docs")).status_code == 200


async def test_ids_are_not_guessable(alice: User, conversation: Conversation) -> None:
    assert isinstance(conversation.pk, UUID)
    assert (await (await signed_in(alice)).get(f"{LIST}1/")).status_code == 404
