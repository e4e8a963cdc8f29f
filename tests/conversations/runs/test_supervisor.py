"""The run: one at a time, its end always written, and what was cut goes on from the last finished turn."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connections
from django.utils import timezone
from pytest_django import Settings

from conversations.agents.turn import Turn
from conversations.budgets.service import ConversationBudget
from conversations.domain import transcript
from conversations.domain.enums import Action, Status
from conversations.domain.events import AgentMessage, Control, EventData, StatusChanged
from conversations.domain.human_input import HumanInput
from conversations.event_log import appender, commands, store
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.orchestration.assignment import Assignment
from conversations.runs import lease, loading, recovery, supervisor
from conversations.runs.control import RunControl
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Fault, Reply, asks, fails, says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate, Signal
from tests.support import debates
from tests.support.debates import cut, lapse, statuses
from tests.support.ports import NoLimit, NoPeople

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(alice: User, openai: OpenAIServer) -> Conversation:
    return debates.create(alice)


async def run_to_its_end(conversation: Conversation) -> None:
    """A run in a task of its own, which ends without an exception."""
    task = supervisor.launch(conversation.pk)
    await asyncio.wait([task], timeout=PATIENCE_SECONDS)
    assert task.exception() is None


# From start to end


async def test_a_debate_is_stored_from_queued_to_completed(conversation: Conversation) -> None:
    await supervisor.run(conversation.pk)
    rows = await debates.rows(conversation)
    assert statuses(rows) == ["queued", "initializing", "active", "completed"]
    row = await debates.fresh(conversation)
    assert (row.status, row.head, row.run, row.lease_until) == ("completed", rows[-1][0], None, None)
    assert row.started_at is not None
    assert row.finished_at is not None
    assert row.created_at <= row.started_at <= row.finished_at
    assert row.verdict == transcript.fold(rows)["complete"]


async def test_the_model_reads_no_secret_of_the_person(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    await supervisor.run(conversation.pk)
    assert "alice" not in str([exchange.body for exchange in openai.asked])


# One run at a time


async def test_of_two_runs_at_once_one_drives_the_debate(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    await asyncio.gather(*(supervisor.run(conversation.pk) for _ in range(5)))
    assert statuses(await debates.rows(conversation)).count("initializing") == 1
    assert len(openai.asked) == 4


def test_of_many_processes_that_claim_at_once_one_gets_it(conversation: Conversation) -> None:
    def claim(_: int) -> bool:
        try:
            return lease.claim(conversation.pk) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as processes:
        assert Counter(processes.map(claim, range(8))) == {True: 1, False: 7}


async def test_a_second_run_of_a_running_debate_does_nothing(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate))
    first = supervisor.launch(conversation.pk)
    await gate.reached(1)
    await supervisor.run(conversation.pk)
    assert not first.done()
    gate.open()
    await first
    assert len(openai.asked) == 4


async def test_a_run_of_a_finished_debate_does_nothing(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    await supervisor.run(conversation.pk)
    before = await debates.rows(conversation)
    await supervisor.run(conversation.pk)
    assert await debates.rows(conversation) == before


async def test_a_run_of_an_unknown_conversation_does_nothing(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    await supervisor.run(uuid4())
    assert openai.asked == []


# The lease


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Signal:
    """A fast heart, and a signal for each beat."""
    beaten, renew = Signal(), lease.renew

    def beat(*args: Any) -> bool:
        held = renew(*args)
        beaten.notify()
        return held

    settings.OUTCRY_LEASE_HEARTBEAT_SECONDS = 0.01
    monkeypatch.setattr(lease, "renew", beat)
    return beaten


async def test_a_running_debate_keeps_its_lease(
    conversation: Conversation, openai: OpenAIServer, beats: Signal
) -> None:
    gate = Gate()
    openai.answer(says("One.", gate=gate))
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    # The model is asked before the turn's start is committed, and an append without a lease is refused.
    await debates.until_stored(conversation, "message_start")
    await lapse(conversation)
    renewed = False

    def is_renewed() -> bool:
        return Conversation.objects.filter(pk=conversation.pk, lease_until__gt=timezone.now()).exists()

    while not renewed:
        await beats.until(iter([False, True]).__next__)
        renewed = await database.call(is_renewed)
    gate.open()
    await asyncio.wait([run], timeout=20)
    assert (await debates.fresh(conversation)).status == "completed"


async def test_a_run_that_lost_its_lease_stops_and_hangs_up(
    conversation: Conversation, openai: OpenAIServer, beats: Signal
) -> None:
    gate = Gate()
    openai.answer(says("One.", gate=gate))
    run = supervisor.launch(conversation.pk)
    await debates.until_stored(conversation, "message_start")
    other = await debates.claim(conversation)
    await asyncio.wait([run], timeout=20)
    assert run.done()
    await openai.until_closed_early(openai.asked[0])
    row = await debates.fresh(conversation)
    assert (row.status, row.run) == ("active", other)


async def test_a_run_that_was_overtaken_writes_nothing_more(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("One.", gate=gate))
    run = supervisor.launch(conversation.pk)
    await debates.until_stored(conversation, "message_start")
    before = await debates.rows(conversation)
    await debates.claim(conversation)
    gate.open()
    await run
    assert await debates.rows(conversation) == before


async def test_a_missed_heartbeat_does_not_end_the_debate(
    conversation: Conversation, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    gate, beaten = Gate(), Signal()
    failures = [OperationalError("away"), OperationalError("still away")]
    renew = lease.renew

    def beat(*args: Any) -> bool:
        if failures:
            raise failures.pop()
        beaten.notify()
        return renew(*args)

    settings.OUTCRY_LEASE_HEARTBEAT_SECONDS = 0.01
    monkeypatch.setattr(lease, "renew", beat)
    openai.answer(says("One.", gate=gate))
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    await beaten.until(lambda: not failures)
    gate.open()
    await asyncio.wait([run], timeout=20)
    assert (await debates.fresh(conversation)).status == "completed"


async def test_a_beat_after_the_end_does_not_cancel_the_run_that_ended_it(conversation: Conversation) -> None:
    claimed = await database.call(lease.claim, conversation.pk)
    assert claimed is not None
    await appender.append(conversation.pk, debates.status(Status.COMPLETED), run=claimed.run)
    assert await database.call(lease.renew, claimed, False)


# Failures are written


FAILURES = {
    "401": (fails(401), "provider_unauthorized", False),
    "429": (fails(429, retry_after=30), "provider_rate_limited", True),
    "500": (fails(500), "provider_down", True),
    "stall": (says("One ", "two", fault=Fault.STALL, fault_after=2), "provider_timeout", True),
    "dropped": (says("One ", "two", fault=Fault.CLOSE, fault_after=2), "provider_dropped", True),
    "empty": (says(), "provider_empty", True),
}


@pytest.mark.parametrize(("reply", "code", "retryable"), FAILURES.values(), ids=FAILURES.keys())
async def test_a_failing_model_leaves_a_code_and_a_sentence(
    conversation: Conversation,
    openai: OpenAIServer,
    settings: Settings,
    reply: Reply,
    code: str,
    retryable: bool,
) -> None:
    if reply.fault is Fault.STALL:
        settings.OUTCRY_STALL_SECONDS = 0.2
    openai.answer(reply, to="Market Context", times=2)
    await supervisor.run(conversation.pk)
    rows = await debates.rows(conversation)
    (_, error_type, error), (_, status_type, status) = rows[-2:]
    assert (error_type, error["code"], error["retryable"]) == ("error", code, retryable)
    assert error["message"].endswith(".")
    assert "secret-detail" not in str(rows)
    assert (status_type, status["status"], status["reason"]) == ("status", "error", code)
    state = transcript.fold(rows)
    # One that had begun to speak is asked once more.
    discarded = ["discarded", "discarded"] if reply.fault else ["discarded"]
    assert [message["state"] for message in state["messages"]] == ["done", *discarded]
    assert state["messages"][-1]["text"] == ("One two" if reply.fault else "")
    assert state["messages"][-1]["discard_reason"] == code
    row = await debates.fresh(conversation)
    assert (row.status, row.reason, row.run) == ("error", code, None)
    assert row.finished_at is not None


async def test_a_provider_that_is_not_there_is_told(conversation: Conversation, openai: OpenAIServer) -> None:
    await openai.stop()
    await supervisor.run(conversation.pk)
    assert (await debates.fresh(conversation)).reason == "provider_unreachable"


async def test_a_missing_key_is_told(conversation: Conversation, settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["openai:gpt-4o-mini"]
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    assert [error["code"] for error in state["errors"]] == ["provider_not_configured"]
    assert "OPENAI_API_KEY" in state["errors"][0]["message"]


async def test_a_fault_of_ours_is_told_without_its_details(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Assignment) -> AsyncIterator[EventData]:
        yield debates.status(Status.INITIALIZING)
        raise RuntimeError("secret-detail")

    monkeypatch.setattr(Assignment, "events", broken)
    await supervisor.run(conversation.pk)
    rows = await debates.rows(conversation)
    assert statuses(rows) == ["queued", "initializing", "error"]
    assert rows[-2][2]["code"] == rows[-1][2]["reason"] == "internal"
    assert "secret-detail" not in str(rows)


async def test_a_fault_of_ours_before_the_first_turn_is_told(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Assignment:
        raise RuntimeError("secret-detail")

    monkeypatch.setattr(recovery, "read", broken)
    await run_to_its_end(conversation)
    assert (await debates.fresh(conversation)).reason == "internal"


async def test_a_run_ends_when_its_log_is_away(
    conversation: Conversation, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> store.Stored:
        raise OperationalError("away")

    monkeypatch.setattr(store, "store_batch", away)
    await run_to_its_end(conversation)
    # Not ended in the log: another run goes on once the lease lapses.
    assert (await debates.fresh(conversation)).status == "queued"


# Going on after a cut


async def test_a_debate_that_was_cut_goes_on_from_its_last_finished_turn(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("Half ", "a sentence", gate=gate), says("Whole."), to="Market Context")
    await cut(conversation, gate, "Half ")
    before = await debates.rows(conversation)
    await supervisor.run(conversation.pk)
    rows = await debates.rows(conversation)
    assert rows[: len(before)] == before
    state = transcript.fold(rows)
    assert state["status"] == "completed"
    assert [(message["agent"], message["state"], message["text"]) for message in state["messages"][:3]] == [
        ("Financial Analyst", "done", "Financial Analyst speaks (1)."),
        ("Market Context", "discarded", "Half "),
        ("Market Context", "done", "Whole."),
    ]
    assert state["messages"][1]["discard_reason"] == "interrupted"
    asked = Counter(exchange.agent for exchange in openai.asked)
    assert asked == {"Financial Analyst": 1, "Market Context": 2, "Risk Challenger": 1, "Moderator": 1}
    assert (await debates.fresh(conversation)).started_at is not None


async def test_after_a_cut_the_next_speaker_hears_what_was_said_before_it(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("Half ", "a sentence", gate=gate), to="Market Context")
    await cut(conversation, gate, "Half ")
    await supervisor.run(conversation.pk)
    again = [exchange for exchange in openai.asked if exchange.agent == "Market Context"][-1]
    assert (
        '{"speaker": "Financial Analyst", "text": "Financial Analyst speaks (1)."}'
        in again.messages[-1]["content"]
    )
    assert "Half" not in str(openai.asked[-1].body)


async def test_a_debate_that_was_cut_in_its_verdict_is_judged_again(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("never", gate=gate), to="Moderator")
    await cut(conversation, gate)
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    assert state["complete"]["verdict"] == "buy"
    assert [message["state"] for message in state["messages"]] == [
        "done",
        "done",
        "done",
        "discarded",
        "done",
    ]
    assert len(openai.asked) == 5


async def test_a_debate_may_be_cut_again_and_again(conversation: Conversation, openai: OpenAIServer) -> None:
    for word in ("One ", "two ", "three "):
        gate = Gate()
        openai.answer(says(word, "off", gate=gate), to="Risk Challenger")
        await cut(conversation, gate, word)
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    assert state["status"] == "completed"
    assert [m["state"] for m in state["messages"]] == ["done", "done", *["discarded"] * 3, "done", "done"]


async def test_the_digest_of_a_debate_that_was_cut_is_of_what_stands(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("Half ", "a sentence", gate=gate), to="Market Context")
    await cut(conversation, gate, "Half ")
    await supervisor.run(conversation.pk)
    said = [data for _, type_, data in await debates.rows(conversation) if type_ == "agent_message"]
    standing = [AgentMessage.model_validate(data) for data in said]
    state = await debates.state(conversation)
    assert state["complete"]["transcript_sha256"] == transcript.digest(standing)


async def test_a_debate_without_a_run_is_adopted(conversation: Conversation) -> None:
    supervisor.adopt_orphans()
    await debates.until_stored(conversation, "status", status="completed")


async def test_a_debate_whose_run_still_lives_is_left_to_it(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("One.", gate=gate))
    supervisor.launch(conversation.pk)
    await gate.reached(1)
    assert await database.call(list, lease.orphans()) == []
    await lapse(conversation)
    assert await database.call(list, lease.orphans()) == [conversation]


async def test_stopping_the_process_hands_its_debates_over_at_once(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), says("Anew."), to="Financial Analyst")
    supervisor.launch(conversation.pk)
    await gate.reached(1)
    gate.let()
    await debates.until_stored(conversation, "token", text="One ")
    await supervisor.hand_over()
    await openai.until_closed_early(openai.asked[0])
    row = await debates.fresh(conversation)
    assert (row.status, row.run, row.lease_until) == ("active", None, None)
    await supervisor.run(conversation.pk)
    assert [message["text"] for message in (await debates.state(conversation))["messages"][:2]] == [
        "One ",
        "Anew.",
    ]


async def test_a_process_that_stops_while_it_claims_hands_over_too(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, news = lease.claim, Signal()
    state: list[str] = []

    def slowly(pk: UUID) -> Any:
        claimed = claim(pk)
        state.append("claimed")
        news.notify()
        news.block_until(lambda: "stopping" in state)
        return claimed

    monkeypatch.setattr(lease, "claim", slowly)
    run = supervisor.launch(conversation.pk)
    await news.until(lambda: "claimed" in state)
    run.cancel()
    state.append("stopping")
    news.notify()
    await asyncio.wait([run])
    row = await debates.fresh(conversation)
    assert (run.cancelled(), row.run, row.lease_until) == (True, None, None)


# What stays true over a restart


async def test_a_demo_that_fails_stays_a_demo(
    conversation: Conversation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTCRY_PROVIDERS, settings.OUTCRY_DEMO_TOKENS_PER_SECOND = ["demo"], 1000
    remarks, turns = HumanInput.remarks, list[Sequence[UUID]]()

    def fail_after_one(human_input: HumanInput, messages: Sequence[UUID]) -> Any:
        turns.append(messages)
        if len(turns) == 2:
            raise RuntimeError("broken")
        return remarks(human_input, messages)

    monkeypatch.setattr(HumanInput, "remarks", fail_after_one)
    await supervisor.run(conversation.pk)
    row = await debates.fresh(conversation)
    assert (row.status, row.mode) == ("error", "demo")
    assert statuses(await debates.rows(conversation))[-1] == "error"


async def test_a_verdict_is_given_once(conversation: Conversation, openai: OpenAIServer) -> None:
    run = await debates.claim(conversation)
    state, _ = await database.call(recovery.read, conversation.pk)
    async for event in Assignment(state, NoPeople(), NoLimit()).events():
        if isinstance(event, StatusChanged) and event.status == "completed":
            break
        await appender.append(conversation.pk, event, run=run)
    asked = len(openai.asked)
    await lapse(conversation)
    await supervisor.run(conversation.pk)
    rows = await debates.rows(conversation)
    assert [type_ for _, type_, _ in rows].count("complete") == 1
    assert statuses(rows)[-1] == "completed"
    assert len(openai.asked) == asked


async def test_what_was_cut_off_was_paid_for_at_a_price_nobody_knows(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Market Context")
    await cut(conversation, gate, "One ")
    await supervisor.run(conversation.pk)
    complete = (await debates.state(conversation))["complete"]
    assert complete["cost_summary"]["unpriced_messages"] == 4 + 1
    assert complete["cost_summary"]["output_tokens"] is None


# Leaving


async def test_what_is_being_said_may_be_said_to_its_end_before_the_process_stops(
    conversation: Conversation, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_GRACE_SECONDS = 60
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    leaving = asyncio.create_task(supervisor.hand_over())
    while not supervisor._leaving.here().is_set():
        await asyncio.sleep(0)
    gate.open()
    await leaving
    assert run.done()
    state = await debates.state(conversation)
    assert [(message["state"], message["text"]) for message in state["messages"]] == [("done", "One two.")]
    row = await debates.fresh(conversation)
    assert (row.status, row.run, row.lease_until) == ("active", None, None)
    await supervisor.run(conversation.pk)
    assert len(openai.asked) == 4
    assert {message["state"] for message in (await debates.state(conversation))["messages"]} == {"done"}


@pytest.mark.parametrize("rests", ["paused", "awaiting_input"])
async def test_a_debate_that_waits_for_people_does_not_hold_a_stopping_process(
    conversation: Conversation, openai: OpenAIServer, settings: Settings, rests: str
) -> None:
    settings.OUTCRY_GRACE_SECONDS = 600
    openai.answer(asks("Which horizon?"), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    if rests == "paused":
        await debates.until_stored(conversation, "message_start")
        await commands.submit(conversation.pk, Control(action=Action.PAUSE, actor="alice"))
    await debates.until_stored(conversation, "status", status=rests)
    await supervisor.hand_over()
    assert run.done()
    assert (await debates.fresh(conversation)).run is None


async def test_a_stopping_process_takes_up_nothing(conversation: Conversation, openai: OpenAIServer) -> None:
    supervisor._leaving.here().set()
    try:
        await supervisor.launch(conversation.pk)
    finally:
        supervisor._leaving.here().clear()
    assert (await debates.fresh(conversation)).run is None


async def test_handing_over_is_no_failure_of_the_debate(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    for _ in range(2 + supervisor.MAX_RESUMES):
        gate = Gate()
        openai.answer(says("One.", gate=gate), to="Financial Analyst")
        supervisor.launch(conversation.pk)
        await gate.reached(1)
        await supervisor.hand_over()
    await supervisor.run(conversation.pk)
    assert (await debates.fresh(conversation)).status == "completed"


async def test_a_debate_that_waits_for_people_has_all_its_attempts(
    conversation: Conversation, openai: OpenAIServer
) -> None:
    claimed = await database.call(lease.claim, conversation.pk)
    assert claimed is not None
    await database.call(lambda: Conversation.objects.filter(pk=conversation.pk).update(attempts=4))
    await database.call(lease.renew, claimed, False)
    assert (await debates.fresh(conversation)).attempts == 4
    await database.call(lease.renew, claimed, True)
    assert (await debates.fresh(conversation)).attempts == 1


async def test_a_debate_that_has_ended_leaves_nothing_in_memory(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    openai.default = says(*["words " * 10] * 20)
    # The first run of a process may stay with what is imported for it, which is kept for good.
    await loading.load()
    before = _in_memory()
    for _ in range(3):
        await supervisor.run((await debates.created(alice, rounds=6)).pk)
    assert _in_memory() - before == Counter()
    assert supervisor.running() == 0


def _in_memory() -> Counter[str]:
    # A thread holds its last work until it has the next.
    appender.close()
    gc.collect()
    return Counter(
        type(each).__name__
        for each in gc.get_objects()
        if isinstance(each, Assignment | RunControl | Turn | appender.Appender | ConversationBudget)
    )
