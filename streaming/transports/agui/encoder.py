"""The events of a debate as one run of AG-UI: its state, its outcome, and CUSTOM events for what AG-UI has no type for.

`streaming.transports.agui.messages` has the messages.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from ag_ui.core import (
    PROTOCOL_VERSION,
    BaseEvent,
    CustomEvent,
    RunAgentInput,
    RunErrorEvent,
    RunFinishedCancelledOutcome,
    RunFinishedEvent,
    RunFinishedSuccessOutcome,
    RunStartedEvent,
    StateSnapshotEvent,
    TokenUsage,
)
from ag_ui.encoder import EventEncoder
from django.urls import reverse

from conversations.domain.enums import TERMINAL, Mode, Status
from conversations.domain.frames import Frame
from streaming.http import broken_off
from streaming.http.stream_response import KEEPALIVE, KEEPALIVE_COMMENT, one_line
from streaming.transports.agui.messages import Messages
from streaming.wire.close_codes import Close
from streaming.wire.text_deltas import Discarded, Ended, Other, Said, Speech, Started, TextDeltas

Data = Mapping[str, Any]


class RunEncoder:
    """Encodes one run, in an order of events that every client accepts."""

    keepalive = KEEPALIVE

    def __init__(self, run_input: RunAgentInput, conversation: UUID, topic: str) -> None:
        self._encoder = EventEncoder()
        self._run_input = run_input
        self._conversation = str(conversation)
        self._messages = Messages(run_input, conversation)
        self._deltas = TextDeltas()
        self._usage = TokenTotals()
        before = run_input.state if isinstance(run_input.state, dict) else {}
        new = {"conversation": self._conversation, "topic": topic, "verdict": None, "cost": None}
        self._state = {**before, **new}
        self._error: Data = {}
        self._has_begun = self._has_ended = self._is_demo = False

    def event(self, frame: Frame) -> bytes:
        """The events of a stored frame; the first frame also begins the run."""
        return b"".join(map(self._encode, self._events(frame)))

    def control(self, frame: Frame) -> bytes:
        """A frame that is not in the log: a heartbeat as a comment, any other as a CUSTOM event."""
        if frame.type == "heartbeat":
            return KEEPALIVE_COMMENT
        return b"".join(map(self._encode, self._control_events(frame)))

    def end(self, reason: Close) -> bytes:
        """RUN_ERROR, unless the run has finished."""
        if self._has_ended:
            return b""
        hint = " Run again in the same thread to follow it." if reason.retryable else ""
        message = broken_off.message(reason) + hint
        return self._encode(RunErrorEvent(message=message, code=reason.name.lower()))

    def _encode(self, event: BaseEvent) -> bytes:
        return one_line(self._encoder.encode(event)).encode()

    def _events(self, frame: Frame) -> Iterator[BaseEvent]:
        yield from self._begin()
        for delta in self._deltas.take(frame.type, frame.data):
            yield from self._delta_events(frame.seq, delta)
        if self._messages.needs_snapshot and self._messages.is_between_messages and not self._has_ended:
            yield self._messages.snapshot()

    def _control_events(self, frame: Frame) -> Iterator[BaseEvent]:
        yield from self._begin()
        if frame.type != "hello" and not self._has_ended:
            yield CustomEvent(name=f"outcry.{frame.type}", value=frame.data)

    def _begin(self) -> Iterator[BaseEvent]:
        if self._has_begun:
            return
        self._has_begun = True
        yield RunStartedEvent(
            thread_id=self._run_input.thread_id,
            run_id=self._run_input.run_id,
            parent_run_id=self._run_input.parent_run_id,
            protocol_version=PROTOCOL_VERSION,
            metadata={"outcry": {"conversation": self._conversation}},
        )
        if self._messages.needs_snapshot:
            yield self._messages.snapshot()

    def _delta_events(self, seq: int, delta: Speech) -> Iterator[BaseEvent]:
        match delta:
            case Started(message, data):
                yield from self._demo(data["mode"])
                yield from self._messages.start(message, data)
            case Said(message, text) if self._messages.is_open(message):
                yield from self._messages.append(message, text)
            case Ended(message, data) if self._messages.is_open(message):
                self._usage.add(data)
                yield from self._messages.end(message, data)
            case Discarded(message, reason):
                yield from self._messages.discard(message)
                yield self._custom("message_discard", {"message": message, "reason": reason})
            case Other(type_, data):
                yield from self._other_events(seq, type_, data)

    def _other_events(self, seq: int, type_: str, data: Data) -> Iterator[BaseEvent]:
        match type_:
            case "status":
                yield from self._status(data)
                return
            case "tool_start":
                yield from self._messages.tool_start(data)
                return
            case "tool_end":
                yield from self._messages.tool_result(data, data["output"], None)
                return
            case "tool_error":
                text = f"The call failed: {data['code']}."
                yield from self._messages.tool_result(data, text, data["code"])
            case "human_message":
                yield from self._messages.human(seq, data)
            case "complete":
                self._state |= {"verdict": data, "cost": data["cost_summary"]["usd"]}
            case "error":
                self._error = data
        yield self._custom(type_, data)

    def _custom(self, type_: str, data: Data) -> CustomEvent:
        value = dict(data)
        if type_ == "input_request":
            value["answer"] = reverse("api:say", args=[self._conversation])
        return CustomEvent(name=f"outcry.{type_}", value=value)

    def _demo(self, mode: str) -> Iterator[BaseEvent]:
        if mode == Mode.DEMO and not self._is_demo:
            self._is_demo = True
            message = "No model speaks: what follows is a scripted demo."
            yield self._custom("demo", {"mode": mode, "message": message})

    def _status(self, data: Data) -> Iterator[BaseEvent]:
        yield from self._demo(data["mode"])
        self._state |= {key: data[key] for key in ("status", "mode", "reason")}
        if data["status"] not in TERMINAL:
            yield self._state_snapshot()
            return
        yield from self._messages.close()
        if self._messages.needs_snapshot:
            yield self._messages.snapshot()
        yield self._state_snapshot()
        self._has_ended = True
        yield self._run_end(data)

    def _state_snapshot(self) -> StateSnapshotEvent:
        return StateSnapshotEvent(snapshot=dict(self._state))

    def _run_end(self, data: Data) -> BaseEvent:
        run = {"thread_id": self._run_input.thread_id, "run_id": self._run_input.run_id}
        reported = ("conversation", "status", "mode", "reason", "verdict", "cost")
        result = {key: self._state[key] for key in reported}
        match data["status"]:
            case Status.COMPLETED:
                outcome = RunFinishedSuccessOutcome()
                return RunFinishedEvent(**run, result=result, outcome=outcome, usage=self._usage.totals())
            case Status.CANCELLED:
                return RunFinishedEvent(**run, result=result, outcome=RunFinishedCancelledOutcome())
        code = self._error.get("code") or data["reason"] or "error"
        return RunErrorEvent(message=self._error.get("message") or "The debate has failed.", code=code)


class TokenTotals:
    """Tokens for each provider and model. A count that is unknown for one message is unknown for its sum."""

    def __init__(self) -> None:
        self._totals: dict[tuple[str, str], dict[str, int | None]] = {}

    def add(self, data: Data) -> None:
        """Add the usage of an `agent_message`."""
        usage = {part: data["usage"][part] for part in ("input_tokens", "output_tokens")}
        before = self._totals.get((data["provider"], data["model"]), dict.fromkeys(usage, 0))
        self._totals[data["provider"], data["model"]] = {
            part: None if count is None or before[part] is None else count + before[part]
            for part, count in usage.items()
        }

    def totals(self) -> list[TokenUsage] | None:
        """The totals for RUN_FINISHED; None if no message was counted."""
        totals = [
            TokenUsage(provider=provider, model=model, **counts)
            for (provider, model), counts in self._totals.items()
        ]
        return totals or None
