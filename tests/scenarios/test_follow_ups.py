"""A debate that follows an earlier one, and knows what was said there."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from conversations.domain import transcript
from conversations.domain.enums import DeletionReason
from conversations.domain.events import dump
from conversations.models import Conversation
from conversations.privacy import deletion
from conversations.prompts import earlier
from conversations.runs import supervisor
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.support import belongings, debates

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def first(alice: User) -> Conversation:
    return belongings.ended(alice, topic="Is Holden cheap?", content="Holden trades at 9 times earnings.")


def post(client: Client, path: str, body: dict[str, Any]) -> Any:
    answer = client.post(f"/api/conversations/{path}", body, content_type="application/json")
    return answer.status_code, answer.json()


async def test_the_agents_know_the_earlier_debate(alice: User, openai: OpenAIServer) -> None:
    openai.answer(says("Debt is <low>."), to="Financial Analyst")
    earlier_one = await debates.created(alice, topic="Is Holden cheap?")
    await supervisor.run(earlier_one.pk)
    await debates.fresh(earlier_one)
    asked = len(openai.asked)
    later = await debates.created(alice, topic="And Marlow?", follows=str(earlier_one.pk))
    await supervisor.run(later.pk)
    opening = openai.asked[asked].messages[-1]["content"]
    assert '{"question": "And Marlow?"}' in opening
    assert '{"earlier_question": "Is Holden cheap?", "stance": "buy", "confidence": "64%"' in opening
    # Quoted like everything that models say, and before the new debate.
    said = '{"earlier_speaker": "Financial Analyst", "text": "Debt is \\u003clow>."}'
    assert said in opening
    assert '"earlier_speaker": "Moderator"' not in opening
    last = openai.asked[-1].messages[-1]["content"]
    assert last.index(said) < last.index('{"speaker": "Financial Analyst"')


def test_a_long_earlier_debate_is_bounded_and_its_newest_messages_are_kept(alice: User) -> None:
    conversation = debates.create(alice)
    state = transcript.empty()
    for number in range(40):
        started = debates.message_start(uuid4())
        message = debates.agent_message(started, f"{number} " + "x" * 5_000)
        for event in (started, message):
            transcript.apply(state, state["head"] + 1, event.type, dump(event))
    spoken = earlier.of(conversation.topic, state).spoken
    assert [text.split()[0] for _, text in spoken][-1] == "39"
    assert sum(len(text) for _, text in spoken) <= earlier.MAX_TRANSCRIPT


def test_the_api_links_both_debates(alice: User, client: Client, first: Conversation) -> None:
    client.force_login(alice)
    status, started = post(client, "", {"topic": "And Marlow?", "follows": str(first.pk)})
    assert status == 201
    later = client.get(f"/api/conversations/{started['id']}/").json()
    before = client.get(f"/api/conversations/{first.pk}/").json()
    assert (later["follows"], before["followed_by"]) == (str(first.pk), [started["id"]])
    assert (before["follows"], later["followed_by"]) == (None, [])
    assert later["content"] == ""


def test_the_estimate_counts_what_was_said_earlier(alice: User, client: Client, first: Conversation) -> None:
    client.force_login(alice)
    _, alone = post(client, "estimate", {"topic": "And Marlow?"})
    _, following = post(client, "estimate", {"topic": "And Marlow?", "follows": str(first.pk)})
    assert following["tokens"]["low"] > alone["tokens"]["low"]


def test_again_takes_the_same_input_but_for_the_changes(
    alice: User, client: Client, first: Conversation
) -> None:
    client.force_login(alice)
    _, same = post(client, f"{first.pk}/again", {})
    status, more = post(client, f"{first.pk}/again", {"topic": "Why?", "rounds": 3, "follows": True})
    assert status == 201
    plain, changed = (Conversation.objects.get(pk=each["id"]) for each in (same, more))
    assert (plain.topic, plain.rounds, plain.follows) == (first.topic, 1, None)
    assert (changed.topic, changed.rounds, changed.follows) == ("Why?", 3, first)
    assert changed.content == first.content
    # Repeated, a follow-up still follows.
    Conversation.objects.filter(pk=changed.pk).update(status="completed")
    _, again = post(client, f"{changed.pk}/again", {})
    assert Conversation.objects.get(pk=again["id"]).follows == first


def test_the_estimate_of_another_round_counts_what_was_said(alice: User, bob: User, client: Client) -> None:
    earlier_one = belongings.ended(alice, topic="Is Holden cheap?")
    client.force_login(alice)
    _, same = post(client, f"{earlier_one.pk}/again/estimate", {})
    _, one_more = post(client, f"{earlier_one.pk}/again/estimate", {"rounds": 1, "follows": True})
    assert one_more["tokens"]["low"] > same["tokens"]["low"] > 0
    client.force_login(bob)
    assert post(client, f"{earlier_one.pk}/again/estimate", {})[0] == 404


def test_again_waits_for_a_place_if_asked_to(
    alice: User, client: Client, first: Conversation, settings: Settings
) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 1
    running = debates.create(alice)
    client.force_login(alice)
    status, refused = post(client, f"{first.pk}/again", {"follows": True})
    assert (status, [each["id"] for each in refused["running"]]) == (429, [str(running.pk)])
    status, waiting = post(client, f"{first.pk}/again", {"follows": True, "when_busy": "queue"})
    assert (status, waiting["status"]) == (201, "queued")
    assert Conversation.objects.get(pk=waiting["id"]).reason == "busy"


@pytest.mark.parametrize("case", ["unknown", "of_bob", "running"])
def test_what_may_not_be_followed_is_refused(
    alice: User, bob: User, client: Client, first: Conversation, case: str
) -> None:
    client.force_login(alice)
    targets: dict[str, Callable[[], UUID]] = {
        "unknown": uuid4,
        "of_bob": lambda: belongings.ended(bob).pk,
        "running": lambda: debates.create(alice).pk,
    }
    target = targets[case]()
    before = Conversation.objects.count()
    status, refused = post(client, "", {"topic": "And Marlow?", "follows": str(target)})
    rule = "running" if case == "running" else "not_found"
    assert (status, refused["errors"][0]["field"], refused["errors"][0]["rule"]) == (422, "follows", rule)
    assert Conversation.objects.count() == before


def test_an_earlier_debate_can_be_deleted(alice: User, first: Conversation) -> None:
    later = debates.create(alice, follows=str(first.pk))
    assert deletion.delete(first.pk, DeletionReason.RETENTION)
    later.refresh_from_db()
    assert later.follows is None
