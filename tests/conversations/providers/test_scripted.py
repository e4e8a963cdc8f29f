"""The demo: scripted, streamed like the real thing, and marked as a demo in every row."""

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.domain.panels import FINANCIAL_DEBATE
from conversations.models import Conversation
from conversations.providers import scripted
from conversations.runs import supervisor
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(alice: User, settings: Settings) -> Conversation:
    settings.OUTCRY_PROVIDERS = ["demo"]
    settings.OUTCRY_DEMO_TOKENS_PER_SECOND = 100_000
    return debates.create(alice, rounds=2)


async def test_every_row_that_can_say_so_is_marked_demo(conversation: Conversation) -> None:
    assert conversation.mode == "demo"
    await supervisor.run(conversation.pk)
    rows = await debates.rows(conversation)
    marked = {type_ for _, type_, data in rows if "mode" in data}
    assert marked == {"status", "message_start", "agent_message", "complete"}
    assert {data["mode"] for _, _, data in rows if "mode" in data} == {"demo"}
    assert {data["provider"] for _, type_, data in rows if type_ == "agent_message"} == {"demo"}
    assert (await debates.fresh(conversation)).mode == "demo"


async def test_every_message_says_in_words_that_it_is_scripted(conversation: Conversation) -> None:
    await supervisor.run(conversation.pk)
    texts = [message["text"] for message in (await debates.state(conversation))["messages"]]
    assert len(texts) == 7
    assert all("script" in text.lower() for text in texts)


async def test_a_script_gives_no_verdict(conversation: Conversation) -> None:
    await supervisor.run(conversation.pk)
    complete = (await debates.state(conversation))["complete"]
    assert (complete["verdict"], complete["reason"], complete["confidence"]) == ("no_verdict", "demo", None)
    assert complete["cost_summary"]["usd"] == 0


async def test_a_script_costs_nothing(conversation: Conversation) -> None:
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    assert {message["cost"] for message in state["messages"]} == {0}
    assert [message["confidence"] for message in state["messages"]] == [None] * 7


async def test_it_streams_word_by_word(conversation: Conversation) -> None:
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    first = state["messages"][0]
    assert first["tokens"] == len(first["text"].split())


def test_each_analyst_has_a_script_of_its_own_for_each_round() -> None:
    scripts = {
        scripted.script(agent.role, round_, "X") for agent in FINANCIAL_DEBATE.speakers for round_ in (1, 2)
    }
    assert len(scripts) == 6
    assert scripted.script("market_context", 6, "X") == scripted.script("market_context", 2, "X")


def test_a_topic_with_braces_is_taken_as_it_is() -> None:
    assert "{0} {topic}" in scripted.script("market_context", 1, "{0} {topic}")
