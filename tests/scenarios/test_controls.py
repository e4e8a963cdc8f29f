"""Pause, resume and cancel, as a run carries them out: at once, over restarts, and from any process."""

import asyncio
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import DataError, InterfaceError, OperationalError
from pytest_django import Settings

from conversations.agents.token_buffer import TokenBuffer
from conversations.domain import requests, transcript
from conversations.domain.enums import Status
from conversations.domain.events import StatusChanged
from conversations.event_log import channel_groups, queries, store, wakeups
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import recovery, supervisor
from conversations.runs.control import RunControl
from conversations.services import debates as services
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Fault, Reply, says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate, Signal
from tests.support import debates
from tests.support.clock import advance
from tests.support.debates import cut, statuses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(alice: User, openai: OpenAIServer) -> Conversation:
    return debates.create(alice)


class Owner:
    """The owner at the controls: each command returns once the run has answered it."""

    def __init__(self, person: User, conversation: Conversation) -> None:
        self.person = person
        self.conversation = conversation

    async def send(self, action: str) -> int:
        form = requests.Command.parse({"action": action})
        return (await services.control(self.person, self.conversation.pk, form)).seq

    async def pause(self) -> None:
        await self._until("pause", "paused")

    async def resume(self) -> None:
        await self._until("resume", "active")

    async def cancel(self) -> None:
        await self._until("cancel", "cancelled")

    async def _until(self, action: str, status: str) -> None:
        seq = await self.send(action)
        await debates.until_stored_after(self.conversation, seq, "status", status=status)


@pytest.fixture
def owner(alice: User, conversation: Conversation) -> Owner:
    return Owner(alice, conversation)


async def begin(
    conversation: Conversation, openai: OpenAIServer, reply: Reply, agent: str
) -> "asyncio.Task[None]":
    """A run that stands in the agent's turn, its first token stored where it is streamed."""
    assert reply.gate is not None
    openai.answer(reply, to=agent)
    run = supervisor.launch(conversation.pk)
    await reply.gate.reached(1)
    if agent != "Moderator":
        reply.gate.let()
        await debates.until_stored(conversation, "token", text=next(reply.iterate()))
    else:
        await debates.until_stored(conversation, "message_start", agent="Moderator")
    return run


# Pause


async def test_at_a_pause_the_words_stop_and_the_models_stream_is_read_on(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    gate = Gate()
    run = await begin(conversation, openai, says("One ", "two ", "three.", gate=gate), "Financial Analyst")
    await owner.pause()
    paused_at = (await debates.fresh(conversation)).head
    gate.open()
    await openai.changed.until(lambda: openai.asked[0].finished)
    await owner.resume()
    await run
    rows = await debates.rows(conversation)
    resumed = next(seq for seq, type_, data in rows if type_ == "status" and seq > paused_at)
    assert [type_ for seq, type_, _ in rows if paused_at < seq < resumed] == ["control"]
    first = transcript.fold(rows)["messages"][0]
    assert (first["state"], first["text"]) == ("done", "One two three.")
    assert statuses(rows) == ["queued", "initializing", "active", "paused", "active", "completed"]
    # The same stream: nothing was asked again.
    assert len(openai.asked) == 4


async def test_during_a_pause_no_turn_begins(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    gate = Gate()
    run = await begin(conversation, openai, says("One ", "two.", gate=gate), "Financial Analyst")
    seq = await owner.send("pause")
    await debates.until_stored_after(conversation, seq, "status", status="paused")
    gate.open()
    await openai.changed.until(lambda: openai.asked[0].finished)
    # What could have begun would have by the time of an answer to another command.
    await owner.send("pause")
    seq = await owner.send("resume")
    before = len(openai.asked)
    await debates.until_stored_after(conversation, seq, "status", status="active")
    await run
    assert before == 1
    assert (await debates.fresh(conversation)).status == "completed"


async def test_a_pause_in_the_moderators_turn_holds_the_verdict_back(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    gate = Gate()
    gate_reply = says('{"stance": "buy"}', gate=gate)
    run = await begin(conversation, openai, gate_reply, "Moderator")
    await owner.pause()
    gate.open()
    await openai.changed.until(lambda: len(openai.asked) == 5 and openai.asked[4].finished)
    assert (await debates.state(conversation))["complete"] is None
    await owner.resume()
    await run
    assert statuses(await debates.rows(conversation))[-3:] == ["paused", "active", "completed"]


async def test_a_pause_before_the_start_holds_until_it_is_resumed(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    await owner.send("pause")
    run = supervisor.launch(conversation.pk)
    await debates.until_stored(conversation, "status", status="paused")
    assert openai.asked == []
    await owner.resume()
    await run
    rows = await debates.rows(conversation)
    assert [status for status in statuses(rows) if status != "initializing"] == [
        "queued", "paused", "active", "completed",
    ]  # fmt: skip


async def test_a_pause_lasts_over_a_restart(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    gate = Gate()
    reply = says("One ", "two.", gate=gate)
    await begin(conversation, openai, reply, "Financial Analyst")
    await owner.pause()
    await supervisor.hand_over()
    head = (await debates.fresh(conversation)).head
    run = supervisor.launch(conversation.pk)
    await debates.until_stored_after(conversation, head, "status", status="paused")
    assert len(openai.asked) == 1
    await owner.resume()
    await run
    state = await debates.state(conversation)
    assert [(message["state"], message["text"]) for message in state["messages"][:2]] == [
        ("discarded", "One "), ("done", "Financial Analyst speaks (2)."),
    ]  # fmt: skip
    assert state["status"] == "completed"


async def test_what_was_resumed_while_nobody_ran_goes_on(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    await begin(conversation, openai, says("One ", "two.", gate=Gate()), "Financial Analyst")
    await owner.pause()
    await supervisor.hand_over()
    await owner.send("resume")
    await supervisor.run(conversation.pk)
    assert (await debates.fresh(conversation)).status == "completed"


async def test_pausing_twice_and_resuming_what_runs_is_recorded_and_changes_nothing(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    gate = Gate()
    run = await begin(conversation, openai, says("One ", "two.", gate=gate), "Financial Analyst")
    await owner.send("resume")
    await owner.pause()
    await owner.send("pause")
    await owner.resume()
    await owner.send("resume")
    gate.open()
    await run
    state = await debates.state(conversation)
    assert [control["action"] for control in state["controls"]] == [
        "resume", "pause", "pause", "resume", "resume",
    ]  # fmt: skip
    assert statuses(await debates.rows(conversation)) == [
        "queued", "initializing", "active", "paused", "active", "completed",
    ]  # fmt: skip


async def test_a_debate_may_be_paused_again_and_again(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    words = [f"w{number} " for number in range(20)]
    gate = Gate()
    run = await begin(conversation, openai, says(*words, gate=gate), "Financial Analyst")
    for _ in range(5):
        await owner.pause()
        gate.let(3)
        await owner.resume()
    gate.open()
    await run
    assert (await debates.state(conversation))["messages"][0]["text"] == "".join(words)


# A pause that the provider does not wait for


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Signal:
    """A buffer of 20 tokens, and a signal when it holds the model up."""
    holding = Signal()

    class Small(TokenBuffer[Any]):
        def put(self, item: Any) -> bool:
            go_on = super().put(item)
            holding.notify()
            return go_on

        def __init__(self) -> None:
            super().__init__(20)
            buffers.append(self)

    buffers: list[Small] = []
    monkeypatch.setattr("conversations.agents.reply.TokenBuffer", Small)
    holding.buffers = buffers  # type: ignore[attr-defined]
    return holding


async def until_held(held: Signal) -> None:
    await held.until(lambda: held.buffers[-1].held)  # type: ignore[attr-defined]


async def test_while_we_hold_the_model_up_it_is_not_silent(
    conversation: Conversation, openai: OpenAIServer, owner: Owner, held: Signal, settings: Settings
) -> None:
    settings.OUTCRY_STALL_SECONDS = 1.0
    words = [f"w{number} " for number in range(100)]
    gate = Gate()
    openai.answer(says(*words, gate=gate), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    await owner.pause()
    gate.open()
    await until_held(held)
    # Longer than a model may be silent.
    await advance(1.5)
    await owner.resume()
    await run
    state = await debates.state(conversation)
    assert (state["status"], state["messages"][0]["text"]) == ("completed", "".join(words))
    assert len(openai.asked) == 4


async def test_a_turn_whose_provider_did_not_wait_is_spoken_again_after_the_pause(
    conversation: Conversation, openai: OpenAIServer, owner: Owner, held: Signal
) -> None:
    gate = Gate()
    words = [f"w{number} " for number in range(100)]
    dropped = says(*words, gate=gate, fault=Fault.RESET, fault_after=60)
    openai.answer(dropped, says("Anew."), to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    await owner.pause()
    gate.let(30)
    await until_held(held)
    gate.open()
    await openai.changed.until(lambda: openai.asked[0].sent == 60)
    assert len(openai.asked) == 1
    await owner.resume()
    await run
    state = await debates.state(conversation)
    assert state["status"] == "completed"
    first, second = state["messages"][:2]
    assert (first["state"], first["discard_reason"]) == ("discarded", "interrupted")
    assert (second["state"], second["text"]) == ("done", "Anew.")
    # It was paid for, and nobody said how much.
    assert state["complete"]["cost_summary"]["unpriced_messages"] == 5


async def test_a_turn_is_spoken_again_only_once(
    conversation: Conversation, openai: OpenAIServer, held: Signal, owner: Owner
) -> None:
    gates = [Gate(), Gate()]
    for gate in gates:
        words = [f"w{number} " for number in range(100)]
        reply = says(*words, gate=gate, fault=Fault.RESET, fault_after=60)
        openai.answer(reply, to="Financial Analyst")
    run = supervisor.launch(conversation.pk)
    for gate in gates:
        await gate.reached(1)
        await owner.pause()
        gate.let(30)
        await until_held(held)
        gate.open()
        await owner.send("resume")
    await run
    assert (await debates.fresh(conversation)).reason == "provider_dropped"
    assert len(openai.asked) == 2


# Cancel


async def test_a_cancel_hangs_up_and_keeps_what_was_said(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    gate = Gate()
    run = await begin(conversation, openai, says("One ", "two ", "three.", gate=gate), "Financial Analyst")
    gate.let()
    await debates.until_stored(conversation, "token", text="two ")
    began = time.monotonic()
    await owner.cancel()
    await openai.until_closed_early(openai.asked[0])
    await run
    assert openai.asked[0].closed_at is not None
    print(f"closed {1_000 * (openai.asked[0].closed_at - began):.0f} ms after the command")
    rows = await debates.rows(conversation)
    assert [type_ for _, type_, _ in rows[-3:]] == ["control", "agent_message", "status"]
    message = rows[-2][2]
    assert (message["content"], message["token_count"], message["finish_reason"]) == (
        "One two ",
        2,
        "cancelled",
    )
    assert (message["usage"], message["cost"], message["confidence"]) == (
        {"input_tokens": None, "output_tokens": None}, None, None,
    )  # fmt: skip
    row = await debates.fresh(conversation)
    assert (row.status, row.reason, row.run, row.lease_until) == ("cancelled", "cancelled", None, None)
    assert row.finished_at is not None
    assert len(openai.asked) == 1


@pytest.mark.parametrize("agent", ["Market Context", "Moderator"])
async def test_a_message_of_which_nothing_is_stored_is_discarded(
    conversation: Conversation, openai: OpenAIServer, owner: Owner, agent: str
) -> None:
    openai.answer(says("never", gate=Gate()), to=agent)
    run = supervisor.launch(conversation.pk)
    await debates.until_stored(conversation, "message_start", agent=agent)
    await openai.changed.until(lambda: openai.asked[-1].agent == agent)
    await owner.cancel()
    await openai.until_closed_early(openai.asked[-1])
    await run
    last = (await debates.state(conversation))["messages"][-1]
    assert (last["agent"], last["state"], last["discard_reason"]) == (agent, "discarded", "cancelled")
    assert (await debates.fresh(conversation)).status == "cancelled"


async def test_a_queued_debate_is_cancelled_before_anybody_is_asked(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    await owner.send("cancel")
    await supervisor.run(conversation.pk)
    assert statuses(await debates.rows(conversation)) == ["queued", "cancelled"]
    assert openai.asked == []


async def test_a_cancel_while_the_run_only_begins(
    conversation: Conversation, openai: OpenAIServer, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, reading, told = recovery.read, Signal(), Signal()
    done: list[str] = []

    def slowly(*args: Any) -> Any:
        found = read(*args)
        done.append("read")
        reading.notify()
        told.block_until(lambda: "told" in done)
        return found

    monkeypatch.setattr(recovery, "read", slowly)
    run = supervisor.launch(conversation.pk)
    await reading.until(lambda: "read" in done)
    # After its look into the log, and before it has said a word.
    await owner.send("cancel")
    done.append("told")
    told.notify()
    await run
    assert statuses(await debates.rows(conversation))[-1] == "cancelled"
    assert (await debates.state(conversation))["complete"] is None


async def test_a_paused_debate_is_cancelled_with_what_was_told_before_the_pause(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    gate = Gate()
    run = await begin(conversation, openai, says("One ", "two.", gate=gate), "Financial Analyst")
    await owner.pause()
    gate.open()
    await openai.changed.until(lambda: openai.asked[0].finished)
    await owner.cancel()
    await run
    message = (await debates.state(conversation))["messages"][0]
    assert (message["state"], message["text"]) == ("done", "One ")


async def test_a_debate_that_nobody_runs_is_cancelled_when_it_is_adopted(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    gate = Gate()
    openai.answer(says("Half ", "a sentence", gate=gate), to="Market Context")
    await cut(conversation, gate, "Half ")
    await owner.send("cancel")
    asked = len(openai.asked)
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    assert (state["status"], len(openai.asked)) == ("cancelled", asked)
    assert [(message["state"], message["text"], message["finish_reason"]) for message in state["messages"]] == [
        ("done", "Financial Analyst speaks (1).", "stop"), ("done", "Half ", "cancelled"),
    ]  # fmt: skip


async def test_a_cancel_after_a_resume_and_a_pause_counts(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    for action in ("pause", "resume", "cancel", "resume"):
        await owner.send(action)
    await supervisor.run(conversation.pk)
    assert (await debates.fresh(conversation)).status == "cancelled"


async def test_a_stopping_process_leaves_a_cancel_to_the_next(
    conversation: Conversation, openai: OpenAIServer, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin(conversation, openai, says("One ", "two.", gate=Gate()), "Financial Analyst")
    monkeypatch.setattr(wakeups, "wake", lambda _: None)
    await owner.send("cancel")
    await supervisor.hand_over()
    assert (await debates.fresh(conversation)).status == "active"
    await supervisor.run(conversation.pk)
    assert (await debates.fresh(conversation)).status == "cancelled"


# Whatever the way


Lose = Callable[[pytest.MonkeyPatch], None]


NEVER = 1_000.0


def direct_call(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(wakeups, "wake_here", lambda _: None)
    patched.setattr(django_settings, "OUTCRY_LEASE_HEARTBEAT_SECONDS", NEVER)


def layers_call(patched: pytest.MonkeyPatch) -> None:
    announce = get_channel_layer().group_send  # type: ignore[union-attr]

    async def away(*_: object) -> None:
        raise ConnectionError("no channel layer")

    async def no_wakeups(group: str, message: dict[str, Any]) -> None:
        await (away() if group.startswith("commands_") else announce(group, message))

    layer = SimpleNamespace(group_send=no_wakeups, new_channel=away)
    patched.setattr(channel_groups, "get_channel_layer", lambda: layer)
    patched.setattr(django_settings, "OUTCRY_LEASE_HEARTBEAT_SECONDS", NEVER)


def both_calls(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(wakeups, "wake", lambda _: None)
    patched.setattr(django_settings, "OUTCRY_LEASE_HEARTBEAT_SECONDS", 0.02)


@pytest.mark.parametrize("layer", ["memory", pytest.param("redis", marks=pytest.mark.redis)], indirect=True)
@pytest.mark.parametrize(
    "lose", [layers_call, direct_call, both_calls], ids=["by the process", "by the layer", "by the heartbeat"]
)
async def test_a_run_hears_of_every_command(
    layer: str,
    conversation: Conversation,
    openai: OpenAIServer,
    owner: Owner,
    monkeypatch: pytest.MonkeyPatch,
    lose: Lose,
) -> None:
    lose(monkeypatch)
    gate = Gate()
    run = await begin(conversation, openai, says("One ", "two.", gate=gate), "Financial Analyst")
    await owner.pause()
    await owner.resume()
    await owner.cancel()
    await openai.until_closed_early(openai.asked[0])
    await run


async def test_a_log_that_cannot_be_read_for_a_moment_is_read_at_the_next_beat(
    conversation: Conversation, openai: OpenAIServer, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(django_settings, "OUTCRY_LEASE_HEARTBEAT_SECONDS", 0.02)
    gate = Gate()
    run = await begin(conversation, openai, says("One ", "two.", gate=gate), "Financial Analyst")
    told, failures = RunControl._new_input, [OperationalError("away"), InterfaceError("still away")]

    def away(control: RunControl) -> list[queries.Row]:
        if failures:
            raise failures.pop()
        return told(control)

    monkeypatch.setattr(RunControl, "_new_input", away)
    await owner.cancel()
    await run
    assert failures == []


async def test_a_pause_that_could_not_be_stored_is_carried_out_by_another_run(
    conversation: Conversation, openai: OpenAIServer, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(django_settings, "OUTCRY_LEASE_HEARTBEAT_SECONDS", 0.02)
    run = await begin(conversation, openai, says("One ", "two.", gate=Gate()), "Financial Analyst")
    store_batch, failures = store.store_batch, [DataError("broken")]

    def full(appends: Sequence[store.Append], *rest: Any) -> store.Stored:
        changes = [event for append in appends for event in append.events if isinstance(event, StatusChanged)]
        if failures and any(change.status is Status.PAUSED for change in changes):
            raise failures.pop()
        return store_batch(appends, *rest)

    monkeypatch.setattr(store, "store_batch", full)
    await owner.send("pause")
    # It does not wait behind a closed gate for a log that takes nothing more.
    await asyncio.wait([run], timeout=PATIENCE_SECONDS)
    assert (run.done(), failures, (await debates.fresh(conversation)).run) == (True, [], None)
    run = supervisor.launch(conversation.pk)
    await debates.until_stored(conversation, "status", status="paused")
    await owner.cancel()
    await run


async def test_a_run_that_lost_its_conversation_obeys_nobody(
    conversation: Conversation, openai: OpenAIServer, owner: Owner
) -> None:
    gate = Gate()
    run = await begin(conversation, openai, says("One ", "two.", gate=gate), "Financial Analyst")
    other = await debates.claim(conversation)
    await owner.send("cancel")
    await run
    row = await debates.fresh(conversation)
    assert (row.status, row.run) == ("active", other)
    assert await database.call(conversation.events.filter(type="agent_message").count) == 0
