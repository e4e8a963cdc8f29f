"""Commands and words at the door: who may, what is refused, and that each is stored once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db import InterfaceError, OperationalError, connection, connections

from conversations.access import permissions
from conversations.access.permissions import AnyUser
from conversations.domain import requests
from conversations.domain.enums import Action, Kind, Status
from conversations.domain.errors import (
    Conflict,
    Finished,
    Forbidden,
    InvalidInput,
    LimitReached,
    LogUnavailable,
    NotFound,
    OutcryError,
)
from conversations.domain.events import Control, HumanMessage
from conversations.event_log import appender, commands, queries, store, wakeups
from conversations.event_log.commands import Accepted
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import debates as services
from tests.fakes.waiting import Signal
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return debates.create(alice)


@pytest.fixture
def dave(carol: User) -> User:
    """A reviewer who may control."""
    dave = User.objects.create(username="dave", is_staff=True)
    rights = ("review_conversation", "control_conversation")
    dave.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    return dave


async def control(person: AnyUser, conversation: UUID, **values: Any) -> Accepted:
    return await services.control(person, conversation, requests.Command.parse(values))


async def say(person: AnyUser, conversation: UUID, **values: Any) -> Accepted:
    return await services.say(person, conversation, requests.Input.parse(values))


async def of_type(conversation: Conversation, type_: str) -> list[dict[str, Any]]:
    return [data for _, stored, data in await debates.rows(conversation) if stored == type_]


async def ask(conversation: Conversation) -> UUID:
    """An open question."""
    start = debates.message_start(uuid4())
    request = debates.input_request(start, uuid4())
    await appender.append(conversation.pk, debates.status(Status.AWAITING_INPUT), start, request)
    return request.request


# Stored


async def test_a_command_is_stored_and_says_in_which_status(alice: User, conversation: Conversation) -> None:
    accepted = await control(alice, conversation.pk, action="pause", idempotency_key="k")
    assert accepted == Accepted(seq=2, status=Status.QUEUED)
    assert (await debates.rows(conversation))[1:] == [
        (2, "control", {"action": "pause", "actor": "alice", "idempotency_key": "k"})
    ]
    # Only a run says in which status a conversation is.
    assert (await debates.fresh(conversation)).status == "queued"


async def test_words_are_stored_without_the_space_around_them(
    alice: User, conversation: Conversation
) -> None:
    accepted = await say(alice, conversation.pk, text="  What about debt?\n")
    assert accepted == Accepted(seq=2, status=Status.QUEUED)
    assert await of_type(conversation, "human_message") == [
        {"author": "alice", "text": "What about debt?", "reply_to": None, "idempotency_key": None, "to": None}
    ]


async def test_watchers_hear_of_it_at_once(alice: User, conversation: Conversation) -> None:
    waiting = asyncio.create_task(debates.until_stored(conversation, "control", action="pause"))
    await asyncio.sleep(0)
    await control(alice, conversation.pk, action="pause")
    await waiting


async def test_what_is_stored_is_heard_even_when_who_sent_it_has_gone(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_command, news, woken = commands._store, Signal(), []
    state: list[str] = []

    def slowly(*args: Any) -> Any:
        stored = store_command(*args)
        state.append("stored")
        news.notify()
        news.block_until(lambda: "gone" in state)
        return stored

    def wake(conversation: UUID) -> None:
        woken.append(conversation)
        news.notify()

    monkeypatch.setattr(commands, "_store", slowly)
    monkeypatch.setattr(wakeups, "wake", wake)
    telling = asyncio.create_task(control(alice, conversation.pk, action="cancel"))
    await news.until(lambda: "stored" in state)
    telling.cancel()
    await asyncio.wait([telling])
    state.append("gone")
    news.notify()
    await news.until(lambda: woken == [conversation.pk])


# Who may


async def test_the_owner_and_reviewers_with_the_right_control(
    alice: User, carol: User, dave: User, bob: User, conversation: Conversation
) -> None:
    for person in (alice, dave):
        await control(person, conversation.pk, action="pause")
    with pytest.raises(Forbidden):
        await control(carol, conversation.pk, action="pause")
    strangers: list[AnyUser] = [bob, AnonymousUser()]
    for stranger in strangers:
        with pytest.raises(NotFound):
            await control(stranger, conversation.pk, action="pause")
    assert [data["actor"] for data in await of_type(conversation, "control")] == ["alice", "dave"]


async def test_the_owner_interjects_and_nobody_else(
    alice: User, carol: User, dave: User, bob: User, conversation: Conversation
) -> None:
    await say(alice, conversation.pk, text="Debt?")
    for person in (carol, dave):
        with pytest.raises(Forbidden):
            await say(person, conversation.pk, text="Debt?")
    with pytest.raises(NotFound):
        await say(bob, conversation.pk, text="Debt?")
    assert len(await of_type(conversation, "human_message")) == 1


async def test_who_may_control_may_answer(carol: User, dave: User, conversation: Conversation) -> None:
    request = await ask(conversation)
    with pytest.raises(Forbidden):
        await say(carol, conversation.pk, text="Yes.", reply_to=str(request))
    await say(dave, conversation.pk, text="Yes.", reply_to=str(request))


def test_pages_can_ask_beforehand(
    alice: User, bob: User, carol: User, dave: User, conversation: Conversation
) -> None:
    people: list[AnyUser] = [alice, bob, carol, dave, AnonymousUser()]
    assert [permissions.rights(person, conversation).control for person in people] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert [permissions.rights(person, conversation).speak for person in people] == [
        True,
        False,
        False,
        False,
        False,
    ]


async def test_an_account_that_was_closed_may_nothing(alice: User, conversation: Conversation) -> None:
    alice.is_active = False
    with pytest.raises(Forbidden):
        await control(alice, conversation.pk, action="cancel")
    with pytest.raises(Forbidden):
        await say(alice, conversation.pk, text="Debt?")


# Refused


@pytest.mark.parametrize("last", [Status.COMPLETED, Status.CANCELLED, Status.ERROR])
async def test_what_has_ended_takes_nothing_more(
    alice: User, conversation: Conversation, last: Status
) -> None:
    await appender.append(conversation.pk, debates.status(last))
    before = await debates.rows(conversation)
    for refused in (
        control(alice, conversation.pk, action="resume"),
        say(alice, conversation.pk, text="Debt?"),
    ):
        with pytest.raises(Finished) as failure:
            await refused
        assert failure.value.status == last
    assert await debates.rows(conversation) == before


async def test_an_answer_needs_a_question_that_is_open(alice: User, conversation: Conversation) -> None:
    first, second = await ask(conversation), await ask(conversation)
    await say(alice, conversation.pk, text="Yes.", reply_to=str(first))
    run = await debates.claim(conversation)
    await commands.expire(conversation.pk, run, second)
    before = await debates.rows(conversation)
    for request, sentence in (
        (first, "This question has been answered."),
        (second, "The time to answer this question has passed."),
        (uuid4(), "There is no such question in this debate."),
    ):
        with pytest.raises(Conflict) as failure:
            await say(alice, conversation.pk, text="No.", reply_to=str(request))
        assert (failure.value.message, failure.value.status) == (sentence, "awaiting_input")
    assert await debates.rows(conversation) == before


async def test_another_debates_question_is_not_answered_here(alice: User, conversation: Conversation) -> None:
    request = await ask(await debates.created(alice))
    with pytest.raises(Conflict):
        await say(alice, conversation.pk, text="Yes.", reply_to=str(request))


@pytest.mark.parametrize("failure", [OperationalError("away"), InterfaceError("already closed")])
async def test_a_database_that_is_away_is_told(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def away(*_: object) -> None:
        raise failure

    monkeypatch.setattr(store, "store_batch", away)
    with pytest.raises(LogUnavailable):
        await control(alice, conversation.pk, action="pause")


WRONG: list[tuple[Any, dict[str, Any], str, str]] = [
    (requests.Command.parse, {}, "action", "missing"),
    (requests.Command.parse, {"action": "stop"}, "action", "enum"),
    (
        requests.Command.parse,
        {"action": "pause", "idempotency_key": ""},
        "idempotency_key",
        "string_too_short",
    ),
    (
        requests.Command.parse,
        {"action": "pause", "idempotency_key": "k" * 201},
        "idempotency_key",
        "string_too_long",
    ),
    (requests.Command.parse, {"action": "pause", "idempotency_key": "a\0"}, "idempotency_key", "no_nul"),
    (requests.Command.parse, {"action": "pause", "idempotency_key": 5}, "idempotency_key", "string_type"),
    (requests.Command.parse, {"action": "pause", "actor": "bob"}, "actor", "extra_forbidden"),
    (requests.Input.parse, {}, "text", "missing"),
    (requests.Input.parse, {"text": " \n "}, "text", "string_too_short"),
    (requests.Input.parse, {"text": "x" * 4_001}, "text", "string_too_long"),
    (requests.Input.parse, {"text": "a\0b"}, "text", "no_nul"),
    (requests.Input.parse, {"text": "\ud800"}, "text", "string_unicode"),
    (requests.Input.parse, {"text": "Yes.", "reply_to": "x"}, "reply_to", "uuid_parsing"),
    (requests.Input.parse, {"text": "Yes.", "reply_to": 5}, "reply_to", "uuid_type"),
    (requests.Input.parse, {"text": "Yes.", "author": "bob"}, "author", "extra_forbidden"),
]


@pytest.mark.parametrize(
    ("parse", "values", "field", "rule"),
    WRONG,
    ids=lambda value: getattr(value, "__name__", str(value)[:40]),
)
def test_a_broken_rule_is_named_with_its_field(
    parse: Any, values: dict[str, Any], field: str, rule: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(values)
    [problem] = refused.value.problems
    assert (problem.field, problem.rule) == (field, rule)
    assert problem.message.endswith(".")


def test_the_longest_words_and_keys_are_taken() -> None:
    key = "k" * 200
    assert len(requests.Input.parse({"text": f" {'x' * 4_000} ", "idempotency_key": key}).text or "") == 4_000
    assert requests.Command.parse({"action": "pause", "idempotency_key": key}).idempotency_key == key


# Once


async def test_the_same_key_again_is_the_same_command(alice: User, conversation: Conversation) -> None:
    first = await control(alice, conversation.pk, action="cancel", idempotency_key="k")
    assert await control(alice, conversation.pk, action="cancel", idempotency_key="k") == first
    # Even when it has been carried out: whoever repeats it did not hear the answer.
    await appender.append(conversation.pk, debates.status(Status.CANCELLED))
    again = await control(alice, conversation.pk, action="cancel", idempotency_key="k")
    assert again == Accepted(first.seq, Status.CANCELLED)
    assert len(await of_type(conversation, "control")) == 1


async def test_the_same_words_without_a_key_are_said_again(alice: User, conversation: Conversation) -> None:
    for _ in range(2):
        await say(alice, conversation.pk, text="Debt?")
        await control(alice, conversation.pk, action="pause")
    assert (
        len(await of_type(conversation, "human_message")) == len(await of_type(conversation, "control")) == 2
    )


async def test_a_key_stands_for_one_thing(alice: User, dave: User, conversation: Conversation) -> None:
    await control(alice, conversation.pk, action="pause", idempotency_key="k")
    await say(alice, conversation.pk, text="Debt?", idempotency_key="w")
    for other in (
        control(alice, conversation.pk, action="resume", idempotency_key="k"),
        say(alice, conversation.pk, text="Debt?", idempotency_key="k"),
        say(alice, conversation.pk, text="Cash?", idempotency_key="w"),
        control(alice, conversation.pk, action="pause", idempotency_key="w"),
    ):
        with pytest.raises(Conflict, match="This idempotency key was already used"):
            await other
    # Somebody else's keys are their own, and so are another conversation's.
    await control(dave, conversation.pk, action="resume", idempotency_key="k")
    other_debate = await debates.created(alice)
    await control(alice, other_debate.pk, action="resume", idempotency_key="k")
    assert len(await of_type(conversation, "control")) == 2


def in_processes(
    tell: Callable[[int], tuple[Accepted, object]], times: int = 8
) -> list[Accepted | OutcryError]:
    """What becomes of it when that many processes tell it at once."""

    def once(number: int) -> Accepted | OutcryError:
        try:
            accepted, _ = tell(number)
        except OutcryError as refusal:
            return refusal
        else:
            return accepted
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as processes:
        return list(processes.map(once, range(times)))


def test_one_key_from_many_at_once_is_stored_once(conversation: Conversation) -> None:
    event = Control(action=Action.CANCEL, actor="alice", idempotency_key="k")
    outcomes = in_processes(lambda _: commands._store(conversation.pk, event))
    assert set(outcomes) == {Accepted(2, Status.QUEUED)}
    assert conversation.events.count() == 2


async def test_of_many_answers_at_once_one_is_stored(conversation: Conversation) -> None:
    request = await ask(conversation)

    def answer(number: int) -> Any:
        return commands._store(
            conversation.pk, HumanMessage(author="alice", text=str(number), reply_to=request)
        )

    outcomes = await asyncio.to_thread(in_processes, answer)
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7
    assert len(await of_type(conversation, "human_message")) == 1


def test_what_people_told_is_found_by_its_own_index(conversation: Conversation) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL chooses by how much there is, and here is next to nothing.")
    assert "event_of_people" in queries.of_people(conversation.pk).filter(data__idempotency_key="k").explain()


async def test_an_answer_is_not_expired(alice: User, conversation: Conversation) -> None:
    request, run = await ask(conversation), await debates.claim(conversation)
    await say(alice, conversation.pk, text="Yes.", reply_to=str(request))
    await commands.expire(conversation.pk, run, request)
    assert await of_type(conversation, "input_expired") == []


async def test_only_the_run_that_owns_a_debate_expires_its_questions(conversation: Conversation) -> None:
    request = await ask(conversation)
    await debates.claim(conversation)
    with pytest.raises(OutcryError, match="Another run owns"):
        await commands.expire(conversation.pk, uuid4(), request)
    assert await of_type(conversation, "input_expired") == []
    assert await database.call(conversation.events.count) == 4


# What nobody would hear, and too much of it


async def test_who_speaks_while_the_moderator_judges_is_told_that_nobody_hears(
    alice: User, conversation: Conversation
) -> None:
    speaking = debates.message_start(uuid4())
    await appender.append(conversation.pk, debates.status(Status.ACTIVE), speaking)
    await say(alice, conversation.pk, text="Mind the debt.")
    judging = speaking.model_copy(update={"message": uuid4(), "kind": Kind.FINAL})
    await appender.append(conversation.pk, judging)
    with pytest.raises(Conflict, match="The last answer is being given"):
        await say(alice, conversation.pk, text="And the lease.")
    assert [said["text"] for said in await of_type(conversation, "human_message")] == ["Mind the debt."]
    # Steering it is still theirs, as far as there is something to steer.
    await control(alice, conversation.pk, action="pause")
    with pytest.raises(Conflict, match="The last answer is being given"):
        await control(alice, conversation.pk, action="conclude")


async def test_a_debate_takes_so_many_remarks_and_answers_besides(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MAX_REMARKS", 2)
    request = await ask(conversation)
    for text in ("One.", "Two."):
        await say(alice, conversation.pk, text=text)
    with pytest.raises(LimitReached, match="limit of 2 messages"):
        await say(alice, conversation.pk, text="Three.")
    await say(alice, conversation.pk, text="The answer.", reply_to=str(request))


async def test_a_debate_takes_so_many_commands_and_a_cancel_always(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MAX_COMMANDS", 2)
    for action in ("pause", "resume"):
        await control(alice, conversation.pk, action=action)
    with pytest.raises(LimitReached, match="limit of 2 commands"):
        await control(alice, conversation.pk, action="pause")
    await control(alice, conversation.pk, action="cancel")
