"""Starting a debate: limits that hold under a race, rules that are named, and nothing stored when refused."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.domain import requests
from conversations.domain.enums import Status
from conversations.domain.errors import InvalidInput, LimitReached, Problem, Unauthenticated
from conversations.domain.requests import MAX_CONTENT, NewConversation
from conversations.event_log import appender, queries
from conversations.infrastructure import database
from conversations.models import Conversation, Event
from conversations.privacy import erasure
from conversations.services import debates as services
from tests.fakes.openai_server import OpenAIServer
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_conversation_is_stored_with_its_first_event(alice: User) -> None:
    values = {"topic": "  Sell?  ", "content": " Revenue. ", "content_type": "earnings", "rounds": 6}
    conversation = services.create(alice, requests.NewConversation.parse(values))
    row = Conversation.objects.get(pk=conversation.pk)
    assert (row.owner, row.topic, row.content, row.content_type) == (alice, "Sell?", "Revenue.", "earnings")
    assert (row.panel, row.rounds, row.status, row.mode, row.head) == (
        "financial-debate",
        6,
        "queued",
        "live",
        1,
    )
    assert [(seq, type_) for seq, type_, _ in queries.read_all(row.pk)] == [(1, "status")]


def test_left_to_themselves_there_are_two_rounds_of_plain_text() -> None:
    new = requests.NewConversation.parse({"topic": "Sell?"})
    assert (new.rounds, new.content, new.content_type, new.panel) == (2, "", "text", "auto")


async def test_a_started_debate_runs_without_its_starter(alice: User, openai: OpenAIServer) -> None:
    conversation = await services.start(
        alice, requests.NewConversation.parse({"topic": "Sell?", "rounds": 1})
    )
    await debates.debates_ended()
    assert (await debates.fresh(conversation)).status == "completed"
    assert len(openai.asked) == 4


@pytest.mark.parametrize("end", ["begin", "erase"])
def test_nothing_starts_for_somebody_who_is_erased_meanwhile(alice: User, end: str) -> None:
    """The request was let in before."""
    getattr(erasure, end)(alice.pk, None)
    with pytest.raises(Unauthenticated):
        services.create(alice, requests.NewConversation.parse({"topic": "Sell?"}))
    assert not Conversation.objects.exists()


# Limits


async def create_many(owner: User, times: int) -> list[Conversation | BaseException]:
    new = requests.NewConversation.parse({"topic": "Buy?"})
    return await asyncio.gather(
        *(database.call(services.create, owner, new) for _ in range(times)), return_exceptions=True
    )


async def test_concurrent_starts_keep_the_limit_of_running_debates(alice: User, bob: User) -> None:
    outcomes = await create_many(alice, 12)
    refused = [outcome for outcome in outcomes if isinstance(outcome, LimitReached)]
    assert len(refused) == 7
    assert refused[0].message == "5 debates are already running (the maximum). Stop one or wait."
    assert await database.call(alice.conversations.count) == 5
    assert await database.call(Event.objects.count) == 5
    # Somebody else's debates do not count.
    assert not [outcome for outcome in await create_many(bob, 1) if isinstance(outcome, BaseException)]


async def test_a_debate_that_ended_makes_room(alice: User, settings: Settings) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 1
    [first] = await create_many(alice, 1)
    assert isinstance(first, Conversation)
    assert isinstance((await create_many(alice, 1))[0], LimitReached)
    await appender.append(first.pk, debates.status(Status.ERROR))
    assert isinstance((await create_many(alice, 1))[0], Conversation)


# Rules

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "topic", "missing"),
    ({"topic": ""}, "topic", "string_too_short"),
    ({"topic": " \n "}, "topic", "string_too_short"),
    ({"topic": "x" * 501}, "topic", "string_too_long"),
    ({"topic": 5}, "topic", "string_type"),
    ({"topic": None}, "topic", "string_type"),
    ({"topic": "a\0b"}, "topic", "no_nul"),
    ({"topic": "\u200b"}, "topic", "invisible"),
    ({"topic": "a\ud800b"}, "topic", "string_unicode"),
    ({"topic": "Buy?", "content": "x" * 500_001}, "content", "string_too_long"),
    ({"topic": "Buy?", "content": "a\0"}, "content", "no_nul"),
    ({"topic": "Buy?", "content": "\udfff"}, "content", "string_unicode"),
    ({"topic": "Buy?", "content_type": "poem"}, "content_type", "enum"),
    ({"topic": "Buy?", "panel": "astrologers"}, "panel", "unknown_panel"),
    ({"topic": "Buy?", "rounds": 0}, "rounds", "greater_than_equal"),
    ({"topic": "Buy?", "rounds": 7}, "rounds", "less_than_equal"),
    ({"topic": "Buy?", "rounds": "2"}, "rounds", "int_type"),
    ({"topic": "Buy?", "rounds": 1.5}, "rounds", "int_type"),
    ({"topic": "Buy?", "rounds": True}, "rounds", "int_type"),
    ({"topic": "Buy?", "owner": 1}, "owner", "extra_forbidden"),
]


@pytest.mark.parametrize(("values", "field", "rule"), WRONG, ids=lambda value: str(value)[:30])
def test_a_broken_rule_is_named_with_its_field(values: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        requests.NewConversation.parse(values)
    [problem] = refused.value.problems
    assert (problem.field, problem.rule) == (field, rule)
    assert problem.message.endswith(".")
    assert refused.value.code == "invalid"


def test_every_broken_rule_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        requests.NewConversation.parse({"topic": "", "rounds": 9, "panel": "x"})
    assert {problem.field for problem in refused.value.problems} == {"topic", "rounds", "panel"}


@pytest.mark.parametrize("values", [{"topic": "x" * 500}, {"topic": "Buy?", "content": "x" * MAX_CONTENT}])
def test_the_longest_texts_are_taken(alice: User, values: dict[str, Any]) -> None:
    stored = services.create(alice, requests.NewConversation.parse(values))
    stored.refresh_from_db()
    assert len(stored.topic + stored.content) >= 500


def test_a_form_cannot_be_altered_after_it_was_checked() -> None:
    new = requests.NewConversation.parse({"topic": "Buy?"})
    with pytest.raises(ValueError, match="frozen"):
        new.topic = "x" * 501  # type: ignore[misc]


def test_invalid_input_reads_as_sentences() -> None:
    refused = InvalidInput(
        [Problem("topic", "missing", "Field required."), Problem("rounds", "x", "Too many.")]
    )
    assert refused.message == "topic: Field required. rounds: Too many."
    assert isinstance(requests.NewConversation.parse({"topic": "Buy?"}), NewConversation)
