"""OpenAI's Chat Completions, by clients that were not written here: the words of the log, and an end that is true."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest
import pytest_asyncio
import structlog
from django.contrib.auth.models import User
from django.db import OperationalError
from langchain_openai import ChatOpenAI
from openai import APIError, APIStatusError, AsyncOpenAI, NotFoundError, OpenAI, RateLimitError
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import SecretStr
from pytest_django import Settings

from conversations.access import api_keys as keys
from conversations.access import rate_limits
from conversations.domain.enums import Action
from conversations.domain.errors import LogUnavailable, TooManyRequests
from conversations.domain.requests import Command
from conversations.event_log.commands import Accepted
from conversations.infrastructure import database
from conversations.models import ApiKey, Conversation
from conversations.services import debates as services
from conversations.services import preparation
from conversations.services.preparation import Prepared
from streaming.http.stream_response import StreamResponse
from streaming.transports.openai import endpoint, request
from streaming.transports.openai.request import BadRequest
from streaming.watchers import registry as registry_module
from streaming.watchers.registry import registry
from streaming.wire.close_codes import Close
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import VERDICT, Fault, fails, says, verdict
from tests.fakes.waiting import PATIENCE_SECONDS, Gate, Signal
from tests.support import api_keys, debates, servers
from tests.support.api_keys import made
from tests.support.chat_parameters import HONOURED, IGNORED, REFUSED
from tests.support.outages import Outage, database_outage
from tests.support.recipes import recipe
from tests.support.serving import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.anywhere]

DOCS = Path(__file__).resolve().parents[4] / "docs"
MODEL = "outcry-financial-debate"
QUESTION: list[Any] = [{"role": "user", "content": "Is Tarnwick worth buying?"}]
ONE_ROUND = {"rounds": "1"}
ASKED: Any = {"model": MODEL, "messages": QUESTION, "metadata": ONE_ROUND}
VERDICT_SECTION = f"""## Verdict

**Buy**, with a confidence of 64%

**Agreement.** {VERDICT["consensus"]}

**Disagreement.** {VERDICT["dissent"]}

**Key points**

- {VERDICT["key_points"][0]}
- {VERDICT["key_points"][1]}

**Risks**

- {VERDICT["risks"][0]}

**What would change this.** {VERDICT["would_change"]}

**Horizon.** {VERDICT["horizon"]}"""


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


@pytest_asyncio.fixture
async def key(alice: User) -> str:
    return (await made(alice))[1]


@pytest_asyncio.fixture
async def client(site: str, key: str) -> AsyncIterator[AsyncOpenAI]:
    """The SDK as people have it: it asks again, twice, where it may."""
    async with AsyncOpenAI(base_url=f"{site}/api/v1", api_key=key) as client:
        yield client


@pytest_asyncio.fixture
async def http(site: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
    bearer = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=site, headers=bearer, timeout=PATIENCE_SECONDS) as http:
        yield http


def panel(site: str, key: str, **how: Any) -> ChatOpenAI:
    body = {"metadata": ONE_ROUND}
    return ChatOpenAI(model=MODEL, base_url=f"{site}/api/v1", api_key=SecretStr(key), extra_body=body, **how)


async def complete(http: httpx.AsyncClient, body: Any = ASKED, **how: Any) -> httpx.Response:
    # ASCII, which can say half a character, too.
    return await http.post("/api/v1/chat/completions", content=json.dumps(body), **how)


async def stored() -> Conversation:
    """The only conversation there is."""
    return await database.call(Conversation.objects.get)


async def said(conversation: Conversation) -> list[dict[str, Any]]:
    """The messages that stand."""
    state = await debates.state(conversation)
    return [message for message in state["messages"] if message["state"] == "done"]


async def text_of(conversation: Conversation) -> str:
    """What the log says, as the answer should."""
    rounds = {True: ", round {round}", False: ""}
    sections = [
        f"## {message['agent']}"
        + rounds[conversation.rounds > 1 and message["kind"] != "final"].format_map(message)
        + f"\n\n{message['text']}"
        for message in await said(conversation)
    ]
    return "\n\n".join([*sections, VERDICT_SECTION])


async def usage_of(conversation: Conversation) -> tuple[int, int]:
    usages = [message["usage"] for message in await said(conversation)]
    return sum(usage["input_tokens"] for usage in usages), sum(usage["output_tokens"] for usage in usages)


def content(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def finish_reasons(chunks: list[ChatCompletionChunk]) -> list[str]:
    return [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]


def events(raw: str) -> list[str]:
    return [line.removeprefix("data: ") for line in raw.splitlines() if line.startswith("data: ")]


# Models


async def test_every_panel_is_a_model_and_tasks_have_one(client: AsyncOpenAI) -> None:
    listed = [model async for model in client.models.list()]
    assert [model.id for model in listed] == [
        MODEL,
        "outcry-general-assistant",
        "outcry-data-team",
        "outcry-auto",
        "outcry-tasks",
    ]
    for model in listed:
        assert (model.object, model.owned_by) == ("model", "outcry")
        assert await client.models.retrieve(model.id) == model


@pytest.mark.parametrize("name", ["gpt-5", "outcry", "outcry-financial-debate/x", "../keys"])
async def test_an_unknown_model_is_not_found(http: httpx.AsyncClient, name: str) -> None:
    answers = [
        await http.get(f"/api/v1/models/{name.replace('..', '%2e%2e')}"),
        await complete(http, {**ASKED, "model": name}),
    ]
    for answer in answers:
        error = answer.json()["error"]
        assert answer.status_code == 404
        assert (error["code"], error["param"], error["type"]) == (
            "model_not_found",
            "model",
            "invalid_request_error",
        )
        assert MODEL in error["message"]
    assert not await database.call(Conversation.objects.exists)


async def test_responses_answers_404_with_the_address_to_use(site: str, http: httpx.AsyncClient) -> None:
    # The AI SDK's default; with what it sends, and without a key.
    body = {"model": MODEL, "input": [{"role": "user", "content": "Is Tarnwick worth buying?"}]}
    answers = [await http.post("/api/v1/responses", json=body), await http.get("/api/v1/responses")]
    async with httpx.AsyncClient(base_url=site) as nobody:
        answers.append(await nobody.post("/api/v1/responses", json=body))
    for answer in answers:
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (404, "invalid_request_error")
        assert (error["code"], error["param"]) == ("not_found", None)
        assert "POST /api/v1/chat/completions" in error["message"]
    assert not await database.call(Conversation.objects.exists)


async def test_responses_of_the_sdk_raises_not_found(client: AsyncOpenAI) -> None:
    with pytest.raises(NotFoundError, match="/api/v1/chat/completions"):
        await client.responses.create(model=MODEL, input="Is Tarnwick worth buying?")


def test_its_addresses_stand_under_its_path(settings: Settings) -> None:
    settings.OUTCRY_OPENAI_PATH = "v.1/"
    patterns = [route.path_regex for route in endpoint.routes()]
    for path in ("/v.1/chat/completions", "/v.1/models", f"/v.1/models/{MODEL}"):
        assert sum(pattern.match(path) is not None for pattern in patterns) == 1
        assert not any(pattern.match(path.replace(".", "x")) for pattern in patterns)


# Words


async def test_a_whole_answer_is_what_the_log_says(site: str, key: str, openai: OpenAIServer) -> None:
    def ask() -> tuple[Any, ChatCompletion]:
        with OpenAI(base_url=f"{site}/api/v1", api_key=key) as client:
            raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=QUESTION)
            return raw.headers, raw.parse()

    headers, completion = await asyncio.to_thread(ask)
    conversation = await stored()
    [choice] = completion.choices
    assert choice.message.content == await text_of(conversation)
    assert (choice.message.role, choice.finish_reason, choice.index) == ("assistant", "stop", 0)
    assert (completion.object, completion.model) == ("chat.completion", MODEL)
    assert completion.id == f"chatcmpl-{conversation.pk}"
    assert headers["x-outcry-conversation"] == str(conversation.pk)
    assert completion.created == int(conversation.created_at.timestamp())
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == await usage_of(
        conversation
    )
    assert completion.usage.total_tokens == sum(await usage_of(conversation))


@pytest.mark.parametrize("wanted", [False, True])
async def test_a_streamed_answer_is_what_the_log_says(
    client: AsyncOpenAI, openai: OpenAIServer, wanted: bool
) -> None:
    openai.answer(
        says("**€ 41**, ", "<b>not</b> ", "\U0001f4c8 \u2028\u0085\u202eup\r\n\r\ndata: [DONE]\n\n")
    )
    stream = await client.chat.completions.create(
        **ASKED, stream=True, stream_options={"include_usage": wanted}
    )
    chunks = [chunk async for chunk in stream]
    conversation = await stored()
    assert content(chunks) == await text_of(conversation)
    assert stream.response.headers["x-outcry-conversation"] == str(conversation.pk)
    assert stream.response.headers["cache-control"] == "no-cache, no-transform"
    assert {chunk.id for chunk in chunks} == {f"chatcmpl-{conversation.pk}"}
    assert {(chunk.object, chunk.model) for chunk in chunks} == {("chat.completion.chunk", MODEL)}
    assert [chunk.choices[0].delta.role for chunk in chunks if chunk.choices][:2] == ["assistant", None]
    assert finish_reasons(chunks) == ["stop"]
    usages = [chunk.usage for chunk in chunks if chunk.usage is not None]
    assert len(usages) == wanted
    if wanted:
        assert chunks[-1].choices == []
        assert (usages[0].prompt_tokens, usages[0].completion_tokens) == await usage_of(conversation)


async def test_a_stream_that_was_completed_ends_with_done(
    http: httpx.AsyncClient, openai: OpenAIServer
) -> None:
    answer = await complete(http, {**ASKED, "stream": True})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *chunks, last = events(answer.text)
    assert last == "[DONE]"
    assert json.loads(chunks[-1])["choices"][0]["finish_reason"] == "stop"
    assert "usage" not in json.loads(chunks[-1])


async def test_a_debate_that_was_started_before_is_told_again(
    alice: User, bob: User, site: str, http: httpx.AsyncClient, openai: OpenAIServer
) -> None:
    first = await complete(http, ASKED)
    again = {**ASKED, "metadata": {"conversation": first.headers["x-outcry-conversation"]}}
    # Who only watches may, and who may not watch it learns nothing of it.
    _, watching = await made(alice, "watch")
    async with httpx.AsyncClient(base_url=site, headers={"X-API-Key": watching}) as other:
        second = await complete(other, again)
    assert second.json()["choices"] == first.json()["choices"]
    _, somebody = await made(bob)
    async with httpx.AsyncClient(base_url=site, headers={"X-API-Key": somebody}) as other:
        refused = await complete(other, again)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_found")
    assert await database.call(Conversation.objects.count) == 1


async def test_rounds_have_their_number(http: httpx.AsyncClient, openai: OpenAIServer) -> None:
    answer = await complete(http, {**ASKED, "metadata": {"rounds": "2"}})
    text = answer.json()["choices"][0]["message"]["content"]
    assert text == await text_of(await stored())
    assert re.findall("^## (.*)$", text, re.M)[2:5] == [
        "Risk Challenger, round 1",
        "Financial Analyst, round 2",
        "Market Context, round 2",
    ]


async def test_tokens_that_nobody_counted_are_not_told(
    client: AsyncOpenAI, http: httpx.AsyncClient, openai: OpenAIServer
) -> None:
    openai.answer(says("Buy.", usage=None), to="Market Context", times=2)
    stream = await client.chat.completions.create(
        **ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert finish_reasons(chunks) == ["stop"]
    assert {chunk.usage for chunk in chunks} == {None}
    assert (await complete(http)).json()["usage"] is None


async def test_langchain_reads_both(
    site: str, key: str, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    chunks = [
        chunk async for chunk in panel(site, key, stream_usage=True).astream("Is Tarnwick worth buying?")
    ]
    first = await stored()
    assert "".join(str(chunk.content) for chunk in chunks) == await text_of(first)
    [usage] = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert (usage["input_tokens"], usage["output_tokens"]) == await usage_of(first)

    whole = await asyncio.to_thread(panel(site, key).invoke, "Is Tarnwick worth buying?")
    second = await database.call(Conversation.objects.exclude(pk=first.pk).get)
    assert whole.content == await text_of(second)
    assert whole.response_metadata["finish_reason"] == "stop"


# Figures


APPLE = {**ONE_ROUND, "instrument": "Apple", "as_of": "2012-12-31T23:00:00Z"}


async def test_checked_figures_are_annotations_of_the_text(
    client: AsyncOpenAI, openai: OpenAIServer, settings: Settings
) -> None:
    words = ("Apple closed at ", "$532", ".17 [E1]", ". Its RSI of 71", " is high. ", "Margins are 40 %.")
    openai.answer(says(*words), to="Financial Analyst")
    whole = await client.chat.completions.create(**{**ASKED, "metadata": APPLE})
    message = whole.choices[0].message
    text, annotations = message.content or "", message.annotations or []
    page = f"{settings.OUTCRY_SITE_URL}{(await stored()).get_absolute_url()}"
    state = await debates.state(await stored())
    analyst = state["messages"][0]
    shown = [
        (text[cited.start_index : cited.end_index], cited.title, cited.url.removeprefix(page))
        for cited in (annotation.url_citation for annotation in annotations)
    ]
    assert shown == [
        ("$532.17", "E1: AAPL close, 2012-12-31: 532.1729 USD", "#E1"),
        ("71", "E10: AAPL rsi_14, 2012-12-31: 47.009703", "#E10"),
        ("40 %", "This figure is not in the record", f"#m-{analyst['id']}"),
    ]
    given = [annotation.to_dict()["figure"] for annotation in annotations]
    assert given == analyst["figures"]
    assert (
        "> **Figures.** 3 figures: 1 matches the record, 1 is not in the record, 1 contradicts the record."
        " 71 contradicts the record, which has 47.0097 (E10).\n"
    ) in text
    again = {"conversation": whole.id.removeprefix("chatcmpl-")}
    chunks = [chunk async for chunk in await client.chat.completions.create(
        **{**ASKED, "metadata": again}, stream=True
    )]  # fmt: skip
    deltas = [chunk.choices[0].delta for chunk in chunks]
    streamed = [each for delta in deltas for each in delta.to_dict().get("annotations", ())]
    assert "".join(delta.content or "" for delta in deltas) == text
    assert streamed == [annotation.to_dict() for annotation in annotations]


# What is asked


async def test_the_last_message_is_the_question_and_those_before_it_the_content(
    http: httpx.AsyncClient, openai: OpenAIServer
) -> None:
    parts = [{"type": "text", "text": "Is it"}, {"type": "text", "text": "worth buying?"}]
    await complete(
        http,
        {
            **ASKED,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Margins rose."},
                {"role": "assistant", "content": "So they did.", "refusal": None},
                {"role": "user", "content": parts, "name": "alice"},
            ],
            "metadata": {
                "rounds": "1",
                "content_type": "news",
                "max_usd": "0.5",
                "max_tokens": "90000",
                "max_seconds": "60",
                "trace": "the client's own",
            },
        },
    )
    conversation = await stored()
    assert conversation.topic == "Is it\nworth buying?"
    assert conversation.content == "System: Be brief.\n\nUser: Margins rose.\n\nAssistant: So they did."
    assert (conversation.rounds, conversation.content_type) == (1, "news")
    assert conversation.max_usd == Decimal("0.5")
    assert (conversation.max_tokens, conversation.max_seconds) == (90_000, 60)


async def test_a_single_message_before_it_is_the_content_as_it_stands(
    http: httpx.AsyncClient, openai: OpenAIServer
) -> None:
    await complete(http, {**ASKED, "messages": [{"role": "system", "content": "Margins rose."}, *QUESTION]})
    assert (await stored()).content == "Margins rose."


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    ("changed", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": ["x"]}, "model", "invalid_value"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": "Buy?"}, "messages", "invalid_value"),
        ({"messages": ["Buy?"]}, "messages[0]", "invalid_value"),
        ({"messages": [{"role": ["user"], "content": "Buy?"}]}, "messages[0].role", "invalid_value"),
        ({"messages": [*QUESTION, {"role": "tool", "content": "x"}]}, "messages[1].role", "invalid_value"),
        ({"messages": [*QUESTION, {"role": "system", "content": "x"}]}, "messages[1].role", "invalid_value"),
        ({"messages": user(None)}, "messages[0].content", "invalid_value"),
        ({"messages": user(3)}, "messages[0].content", "invalid_value"),
        ({"messages": user(" ")}, "messages[0].content", "invalid_value"),
        ({"messages": user([])}, "messages[0].content", "invalid_value"),
        ({"messages": user("a\0b")}, "messages[0].content", "invalid_value"),
        ({"messages": user("\ud800")}, "messages[0].content", "invalid_value"),
        ({"messages": user("x" * 501)}, "messages[0].content", "context_length_exceeded"),
        ({"messages": [*user("x" * 500_001), *QUESTION]}, "messages", "context_length_exceeded"),
        (
            {"messages": user([{"type": "image_url", "image_url": {"url": "data:,"}}])},
            "messages[0].content[0].type",
            "unsupported_parameter",
        ),
        ({"messages": user(["Buy?"])}, "messages[0].content[0]", "invalid_value"),
        ({"messages": user([{"type": "text"}])}, "messages[0].content[0].text", "invalid_value"),
        (
            {"messages": [{"role": "assistant", "content": "", "tool_calls": [{}]}, *QUESTION]},
            "messages[0].tool_calls",
            "unsupported_parameter",
        ),
        ({"stream": "yes"}, "stream", "invalid_value"),
        ({"stream_options": True}, "stream_options", "invalid_value"),
        (
            {"stream_options": {"include_usage": "yes"}},
            "stream_options.include_usage",
            "invalid_value",
        ),
        ({"metadata": []}, "metadata", "invalid_value"),
        ({"metadata": {"rounds": 2}}, "metadata.rounds", "invalid_value"),
        ({"metadata": {"rounds": "two"}}, "metadata.rounds", "invalid_value"),
        ({"metadata": {"rounds": "7"}}, "metadata.rounds", "invalid_value"),
        ({"metadata": {"max_usd": "nan"}}, "metadata.max_usd", "invalid_value"),
        ({"metadata": {"max_usd": "0"}}, "metadata.max_usd", "invalid_value"),
        ({"metadata": {"max_tokens": "1e3"}}, "metadata.max_tokens", "invalid_value"),
        ({"metadata": {"content_type": "poem"}}, "metadata.content_type", "invalid_value"),
        ({"metadata": {"sources": "x,y"}}, "metadata.sources[0]", "invalid_value"),
        ({"metadata": {"instrument": "Appel"}}, "metadata.instrument", "invalid_value"),
        ({"metadata": {"as_of": "2999-01-01T00:00:00Z"}}, "metadata.as_of", "invalid_value"),
        ({"metadata": {"truncate": "yes"}}, "metadata.truncate", "invalid_value"),
        ({"metadata": {"cancel_on_disconnect": "yes"}}, "metadata.cancel_on_disconnect", "invalid_value"),
        ({"metadata": {"conversation": "chatcmpl-1"}}, "metadata.conversation", "invalid_value"),
        ({"n": 2}, "n", "unsupported_parameter"),
        ({"n": True}, "n", "unsupported_parameter"),
        ({"tool_choice": "required"}, "tool_choice", "unsupported_parameter"),
        ({"top_k": 3}, "top_k", "unknown_parameter"),
        ({"\ud800": 3}, "?", "unknown_parameter"),
        ({"metadata": {"\ud800": 3}}, "metadata.?", "invalid_value"),
    ],
)
async def test_what_cannot_be_debated_is_refused_by_name(
    http: httpx.AsyncClient, changed: dict[str, Any], param: str, code: str
) -> None:
    answer = await complete(http, {**ASKED, **changed})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert not await database.call(Conversation.objects.exists)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'"x"'])
async def test_what_is_no_object_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/api/v1/chat/completions", content=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "body")
    assert not await database.call(Conversation.objects.exists)


def _table() -> dict[str, tuple[str, str]]:
    text = (DOCS / "openai.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (honoured|ignored|refused) \| (.*?) ?\|$", text, re.M)
    return {name: (what, note) for name, what, note in rows}


def test_the_documentation_says_of_each_parameter_what_the_code_does() -> None:
    table = _table()
    assert {name for name, (what, _) in table.items() if what == "honoured"} == HONOURED
    assert {name for name, (what, _) in table.items() if what == "ignored"} == IGNORED
    assert {name for name, (what, _) in table.items() if what == "refused"} == REFUSED.keys()
    for name, harmless in REFUSED.items():
        assert [json.loads(value) for value in re.findall("`([^`]+)`", table[name][1])] == harmless, name


def test_no_parameter_of_the_api_is_forgotten() -> None:
    assert _table().keys() == get_type_hints(CompletionCreateParamsStreaming).keys()


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_what_is_ignored_changes_nothing(name: str) -> None:
    plain = request.parse(ASKED)
    for value in (None, 0, "x", ["y"], {"z": 1}):
        assert request.parse({**ASKED, name: value}) == plain


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused_may_ask_for_nothing(name: str) -> None:
    plain = request.parse(ASKED)
    for harmless in [None, *REFUSED[name]]:
        assert request.parse({**ASKED, name: harmless}) == plain
    for value in (5, "x", ["y"], {"z": 1}, True):
        with pytest.raises(BadRequest) as refused:
            request.parse({**ASKED, name: value})
        assert (refused.value.param, refused.value.code) == (name, "unsupported_parameter")


# Who asks


async def test_cancel_on_disconnect_needs_the_scope_control(alice: User, site: str) -> None:
    _, text = await made(alice, "start", "watch")
    async with httpx.AsyncClient(base_url=site, headers={"X-API-Key": text}) as http:
        answer = await complete(http, {**ASKED, "metadata": {"cancel_on_disconnect": "true"}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope_missing")
    assert not await database.call(Conversation.objects.exists)


async def test_who_asks_too_often_hears_when_to_come_again(
    http: httpx.AsyncClient, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_START_RATE = "1/minute"
    assert (await complete(http)).status_code == 200
    answer = await complete(http)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert 0 < int(answer.headers["retry-after"]) <= 60
    # A client that waits so long will be let in.
    assert "x-should-retry" not in answer.headers
    assert await database.call(Conversation.objects.count) == 1


async def test_who_has_enough_debates_is_refused_at_once(
    alice: User, client: AsyncOpenAI, settings: Settings
) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 1
    await debates.created(alice)
    with pytest.raises(RateLimitError) as refused:
        await client.chat.completions.create(**ASKED)
    assert refused.value.code == "limit_reached"
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert await database.call(Conversation.objects.count) == 1


async def test_text_that_is_too_long_for_the_model_is_refused(
    http: httpx.AsyncClient, openai: OpenAIServer
) -> None:
    answer = await complete(http, {**ASKED, "messages": [*user("word " * 50_000), *QUESTION]})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, "messages", "context_length_exceeded")
    assert openai.asked == []


async def test_where_nothing_was_started_the_client_asks_again(
    client: AsyncOpenAI, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, asked = preparation.prepare, []

    def away_at_first(*given: Any) -> Prepared:
        asked.append(given)
        if len(asked) == 1:
            raise OperationalError("secret-detail")
        return prepare(*given)

    monkeypatch.setattr(services, "prepare", away_at_first)
    assert await _text(client, streamed=False) == await text_of(await stored())
    assert len(asked) == 2


# Ends that are no stop


async def test_a_debate_that_fails_is_an_error_within_the_stream(
    client: AsyncOpenAI, http: httpx.AsyncClient, openai: OpenAIServer
) -> None:
    openai.answer(fails(401), to="Market Context", times=9)
    chunks: list[ChatCompletionChunk] = []
    stream = await client.chat.completions.create(**ASKED, stream=True)
    with pytest.raises(APIError) as failed:
        await _take(stream, chunks)
    error = (await debates.state(await stored()))["errors"][-1]
    assert (failed.value.code, failed.value.message) == (error["code"], error["message"])
    assert failed.value.type == "server_error"
    assert "## Financial Analyst" in content(chunks)
    assert finish_reasons(chunks) == []
    raw = (await complete(http, {**ASKED, "stream": True})).text
    assert "[DONE]" not in raw
    assert json.loads(events(raw)[-1]).keys() == {"error"}


async def _take(stream: AsyncIterator[ChatCompletionChunk], chunks: list[ChatCompletionChunk]) -> None:
    async for chunk in stream:
        chunks += [chunk]


async def test_a_debate_that_fails_is_an_error_status_and_is_not_started_again(
    client: AsyncOpenAI, openai: OpenAIServer
) -> None:
    openai.answer(fails(401), to="Market Context", times=9)
    with pytest.raises(APIStatusError) as failed:
        await client.chat.completions.create(**ASKED)
    conversation = await stored()
    error = (await debates.state(conversation))["errors"][-1]
    assert (failed.value.status_code, failed.value.code) == (500, error["code"])
    assert failed.value.response.headers["x-should-retry"] == "false"
    assert failed.value.response.headers["x-outcry-conversation"] == str(conversation.pk)


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_debate_that_is_cancelled_is_an_error(
    alice: User, client: AsyncOpenAI, openai: OpenAIServer, streamed: bool
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    asking = asyncio.ensure_future(_text(client, streamed=streamed))
    await gate.reached(1)
    conversation = await stored()
    await services.control(alice, conversation.pk, Command(action=Action.CANCEL))
    with pytest.raises(APIError) as failed:
        await asking
    assert failed.value.code == "cancelled"
    if not streamed:
        assert isinstance(failed.value, APIStatusError)
        assert failed.value.status_code == 409
    assert await database.call(Conversation.objects.count) == 1


async def _text(client: AsyncOpenAI, *, streamed: bool, **metadata: str) -> str | None:
    body: Any = {**ASKED, "metadata": {**ONE_ROUND, **metadata}}
    if not streamed:
        whole: ChatCompletion = await client.chat.completions.create(**body)
        return whole.choices[0].message.content
    return content([chunk async for chunk in await client.chat.completions.create(**body, stream=True)])


async def test_a_debate_judged_early_was_to_be_longer(http: httpx.AsyncClient, openai: OpenAIServer) -> None:
    openai.default = says("Hold.", usage=(6_000, 30))
    answer = await complete(http, {**ASKED, "metadata": {"rounds": "6", "max_tokens": "40000"}})
    [choice] = answer.json()["choices"]
    assert choice["finish_reason"] == "length"
    assert "> The debate has reached its budget" in choice["message"]["content"]


async def test_a_debate_whose_answer_cannot_begin_is_not_started_again(
    client: AsyncOpenAI, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> bool:
        raise RuntimeError("secret-detail")

    monkeypatch.setattr(StreamResponse, "__call__", broken)
    with pytest.raises(APIStatusError) as failed:
        await client.chat.completions.create(**ASKED, stream=True)
    assert failed.value.status_code == 500
    assert "secret" not in failed.value.response.text
    conversation = await stored()
    assert failed.value.response.headers["x-outcry-conversation"] == str(conversation.pk)
    await debates.debates_ended()
    assert (await debates.fresh(conversation)).status == "completed"


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_key_that_ends_ends_the_answer_and_not_the_debate(
    alice: User, site: str, openai: OpenAIServer, settings: Settings, streamed: bool
) -> None:
    settings.OUTCRY_HEARTBEAT_SECONDS = 0.2  # how often keys are looked at, too
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    made_key, text = await made(alice)
    async with AsyncOpenAI(base_url=f"{site}/api/v1", api_key=text) as client:
        asking = asyncio.ensure_future(_text(client, streamed=streamed))
        await gate.reached(1)
        await database.call(keys.revoke, alice, made_key.pk)
        with pytest.raises(APIError) as failed:
            await asking
    assert failed.value.code == "invalid_api_key"
    gate.open()
    await debates.debates_ended()
    assert (await debates.fresh(await stored())).status == "completed"


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("why", "status", "code"),
    [
        (Close.RESTART, 503, "restart"),
        (Close.SLOW, 503, "slow"),
        (Close.EXPIRED, 503, "expired"),
        (Close.FORBIDDEN, 403, "forbidden"),
        (Close.FAULT, 500, "internal"),
    ],
)
async def test_broken_off_words_are_an_error_and_start_no_second_debate(
    client: AsyncOpenAI, openai: OpenAIServer, streamed: bool, why: Close, status: int, code: str
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    asking = asyncio.ensure_future(_text(client, streamed=streamed, cancel_on_disconnect="true"))
    await gate.reached(1)
    await registry().close_all(why)
    with pytest.raises(APIError) as failed:
        await asking
    assert failed.value.code == code
    if not streamed:
        assert isinstance(failed.value, APIStatusError)
        assert failed.value.status_code == status
        assert failed.value.response.headers["x-should-retry"] == "false"
    gate.open()
    await debates.debates_ended()
    # Its client had not gone.
    assert (await debates.fresh(await stored())).status == "completed"


# A client that goes away


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(("wish", "status"), [("false", "completed"), ("true", "cancelled")])
async def test_a_debate_ends_with_its_client_only_where_that_was_asked_for(
    client: AsyncOpenAI, openai: OpenAIServer, wish: str, status: str, streamed: bool
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    asking = asyncio.ensure_future(_text(client, streamed=streamed, cancel_on_disconnect=wish))
    await gate.reached(1)
    asking.cancel()
    await asyncio.wait([asking])
    conversation = await stored()
    if wish == "true":
        await debates.until_stored(conversation, "control", action="cancel")
    gate.open()
    await debates.debates_ended()
    assert (await debates.fresh(conversation)).status == status


async def leave(client: AsyncOpenAI, openai: OpenAIServer, meanwhile: Callable[[], Awaitable[None]]) -> Gate:
    """A client that wanted its debate cancelled goes in mid-debate, after what is done meanwhile."""
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    asking = asyncio.ensure_future(_text(client, streamed=True, cancel_on_disconnect="true"))
    await gate.reached(1)
    await meanwhile()
    asking.cancel()
    await asyncio.wait([asking])
    return gate


class Refusals:
    """What cancels of this process meet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.met: list[type[Exception]] = []
        self.signal = Signal()
        self._control = services.control
        monkeypatch.setattr(services, "control", self._noted)

    async def _noted(self, *asked: Any) -> Accepted:
        try:
            return await self._control(*asked)
        except Exception as failure:
            self.met.append(type(failure))
            self.signal.notify()
            raise


async def test_a_key_that_has_died_cancels_nothing(
    alice: User, client: AsyncOpenAI, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody sends the client away before it goes.
    monkeypatch.setattr(registry_module, "CHECK_SECONDS", PATIENCE_SECONDS)

    async def revoke() -> None:
        await database.call(api_keys.revoke, await database.call(ApiKey.objects.get))

    with structlog.testing.capture_logs() as logs:
        gate = await leave(client, openai, revoke)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not [entry for entry in logs if entry["event"] == "not_cancelled"]:
                await asyncio.sleep(0.01)
    gate.open()
    await debates.debates_ended()
    assert (await debates.fresh(await stored())).status == "completed"


@pytest.fixture
def outage(alice: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outage]:
    with database_outage(monkeypatch) as outage:
        yield outage


async def test_a_cancel_waits_for_a_database_that_is_away(
    outage: Outage, client: AsyncOpenAI, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = Refusals(monkeypatch)
    gate = await leave(client, openai, partial(asyncio.to_thread, outage.begin))
    await refusals.signal.until(lambda: refusals.met)
    outage.end()
    conversation = await stored()
    await debates.until_stored(conversation, "control", action="cancel")
    gate.open()
    await debates.debates_ended()
    assert set(refusals.met) == {LogUnavailable}
    assert (await debates.fresh(conversation)).status == "cancelled"


async def test_a_cancel_that_comes_too_often_comes_again(
    alice: User,
    client: AsyncOpenAI,
    openai: OpenAIServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusals = Refusals(monkeypatch)
    settings.OUTCRY_CONTROL_RATE = "1/second"
    gate = await leave(client, openai, partial(rate_limits.control, str(alice.pk)))
    conversation = await stored()
    await debates.until_stored(conversation, "control", action="cancel")
    gate.open()
    await debates.debates_ended()
    assert set(refusals.met) == {TooManyRequests}
    assert (await debates.fresh(conversation)).status == "cancelled"


# What is told beside the words


async def test_a_turn_that_broke_off_is_told_and_comes_again(
    client: AsyncOpenAI, openai: OpenAIServer, settings: Settings
) -> None:
    async with OpenAIServer(model="understudy") as second:
        settings.OUTCRY_PROVIDERS = [openai.provider, second.provider]
        broken = says("The sector ", "trades", fault=Fault.RESET, fault_after=2)
        openai.answer(broken, to="Market Context", times=9)
        openai.answer(verdict())
        text = await _text(client, streamed=True)
    conversation = await stored()
    assert text is not None
    lost = "\n\n## Market Context\n\nThe sector trades\n\n> **The last message was discarded**: it was interrupted"
    assert lost in text
    told = text.index("\n\n## Market Context"), text.index("\n\n## Market Context", text.index(lost) + 1)
    assert text[: told[0]] + text[told[1] :] == await text_of(conversation)


async def test_a_demo_says_so_in_the_text(http: httpx.AsyncClient, settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["demo"]
    settings.OUTCRY_DEMO_TOKENS_PER_SECOND = 10_000
    text = (await complete(http)).json()["choices"][0]["message"]["content"]
    assert text.startswith("> **Scripted demo.** From here on the text is scripted")
    headings = re.findall("^## (.*)$", text, re.M)
    assert [heading for heading in headings if not heading.endswith(" (demo)")] == []
    assert "**No verdict**: this was a scripted demo" in text
    for message in await said(await stored()):
        assert message["text"] in text


# The recipes of docs/clients.md


async def run(site: str, key: str, *command: str) -> str:
    """What the command prints; it has to succeed."""
    environment = {**os.environ, "OUTCRY_URL": site, "OUTCRY_KEY": key, "LANGSMITH_TRACING": "false"}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_the_recipe_for_curl_works(site: str, key: str, openai: OpenAIServer) -> None:
    servers.require("curl", "curl")
    output = await run(site, key, "sh", "-c", recipe("curl"))
    *chunks, last = events(output)
    assert last == "[DONE]"
    text = "".join(json.loads(chunk)["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert text == await text_of(await stored())


async def test_the_recipe_for_openai_works(site: str, key: str, openai: OpenAIServer) -> None:
    output = await run(site, key, sys.executable, "-c", recipe("openai (Python)"))
    conversation = await stored()
    assert output == f"Conversation {conversation.pk}\n{await text_of(conversation)}"
    assert (conversation.content_type, "margins rose" in conversation.content) == ("news", True)


async def test_the_recipe_for_openai_does_not_pass_over_a_failure(
    site: str, key: str, openai: OpenAIServer
) -> None:
    openai.answer(fails(401), to="Market Context", times=9)
    with pytest.raises(AssertionError, match="provider_unauthorized: "):
        await run(site, key, sys.executable, "-c", recipe("openai (Python)"))


async def test_the_recipe_for_langchain_works(site: str, key: str, openai: OpenAIServer) -> None:
    output = await run(site, key, sys.executable, "-c", recipe("LangChain"))
    conversation = await stored()
    assert output == await text_of(conversation)
    assert conversation.content == "Tarnwick's margins rose."


async def test_what_open_webui_asks_is_answered(http: httpx.AsyncClient, openai: OpenAIServer) -> None:
    """It installs by the gigabyte, so this asks what it asks: the models, and a chat with its history."""
    model = (await http.get("/api/v1/models")).json()["data"][0]
    history = [*user("What is Tarnwick?"), {"role": "assistant", "content": "A maker of valves."}]
    body = {
        "model": model["id"],
        "messages": [*history, *QUESTION],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.7,
    }
    assert events((await complete(http, body)).text)[-1] == "[DONE]"
    # For a title of the chat, it sends instructions longer than any question.
    titles = await complete(
        http, {**body, "messages": user("### Task:\nGenerate a title. " * 30), "stream": False}
    )
    assert titles.json()["error"]["code"] == "context_length_exceeded"
    assert (await stored()).topic == "Is Tarnwick worth buying?"
