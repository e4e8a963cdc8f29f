"""The events of a debate as one run of AG-UI: its state, its outcome, and CUSTOM events for what AG-UI has no type for.

`streaming.transports.agui.messages` has the messages.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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
from conversations.domain.thoughts import Thoughts
from streaming.http.stream_response import KEEPALIVE_COMMENT, Encoder, one_line
from streaming.transports.agui.messages import Messages
from streaming.wire.close_codes import Close
from streaming.wire.text_deltas import TextDeltas

Data = Mapping[str, Any]


class RunEncoder(Encoder):
    """Encodes one run, in an order of events that every client accepts."""

    def __init__(self, run_input: RunAgentInput, conversation: UUID, topic: str) -> None:
        self._encoder = EventEncoder()
        self._run_input = run_input
        self._conversation = str(conversation)
        self._messages = Messages(run_input, conversation)
        self._deltas = TextDeltas()
        self._thoughts = Thoughts()
        self._ended_messages: list[Data] = []
        before = run_input.state if isinstance(run_input.state, dict) else {}
        new = {"conversation": self._conversation, "topic": topic, "verdict": None, "cost": None}
        self._state = {**before, **new}
        self._error: Data = {}
        self._has_ended = self._is_demo = False

    def event(self, frame: Frame) -> bytes:
        """The events of a stored frame."""
        return b"".join(map(self._encode, self._events(frame)))

    def control(self, frame: Frame) -> bytes:
        """A frame that is not in the log: the hello, which comes first, begins the run; a heartbeat is a comment, any
        other a CUSTOM event."""
        match frame.type:
            case "heartbeat":
                return KEEPALIVE_COMMENT
            case "hello":
                return b"".join(map(self._encode, self._begin()))
            case _ if self._has_ended:
                return b""
        return self._encode(CustomEvent(name=f"outcry.{frame.type}", value=frame.data))

    def end(self, reason: Close) -> bytes:
        """RUN_ERROR, unless the run has finished."""
        if self._has_ended:
            return b""
        hint = " Run again in the same thread to follow it." if reason.retryable else ""
        message = reason.message + hint
        return self._encode(RunErrorEvent(message=message, code=reason.name.lower()))

    def _encode(self, event: BaseEvent) -> bytes:
        return one_line(self._encoder.encode(event)).encode()

    def _events(self, frame: Frame) -> Iterator[BaseEvent]:
        yield from self._frame_events(frame)
        if self._messages.needs_snapshot and self._messages.is_between_messages and not self._has_ended:
            yield self._messages.snapshot()

    def _begin(self) -> Iterator[BaseEvent]:
        yield RunStartedEvent(
            thread_id=self._run_input.thread_id,
            run_id=self._run_input.run_id,
            parent_run_id=self._run_input.parent_run_id,
            protocol_version=PROTOCOL_VERSION,
            metadata={"outcry": {"conversation": self._conversation}},
        )
        if self._messages.needs_snapshot:
            yield self._messages.snapshot()

    def _frame_events(self, frame: Frame) -> Iterator[BaseEvent]:
        data = frame.data
        if self._thoughts.has(frame):
            yield from self._reasoning(frame)
            return
        match frame.type:
            case "message_start":
                yield from self._demo(data["mode"])
                yield from self._messages.start(data["message"], data)
            case "token" | "agent_message":
                yield from self._text_events(frame)
            case "status":
                yield from self._status(data)
            case "tool_start":
                yield from self._messages.tool_start(data)
            case "tool_end":
                yield from self._messages.tool_result(data, data["output"], None)
            case _:
                yield from self._note(frame)
                yield self._custom(frame.type, data)

    def _reasoning(self, frame: Frame) -> Iterator[BaseEvent]:
        """The events of thoughts, in AG-UI's own types. What follows a discarded one stands without it."""
        message = frame.data["message"]
        match frame.type:
            case "message_start":
                yield from self._messages.think(message)
            case "message_discard":
                self._deltas.discard(message)
                yield from self._messages.end_thinking(message, is_discarded=True)
            case _:
                if text := self._deltas.take(frame):
                    yield from self._messages.append_thought(message, text)
                if frame.type == "agent_message":
                    yield from self._messages.end_thinking(message)

    def _text_events(self, frame: Frame) -> Iterator[BaseEvent]:
        data, message = frame.data, frame.data["message"]
        text = self._deltas.take(frame)
        if not self._messages.is_open(message):
            return
        if text:
            yield from self._messages.append(message, text)
        if frame.type == "agent_message":
            self._ended_messages.append(data)
            yield from self._messages.end(message, data)

    def _note(self, frame: Frame) -> Iterator[BaseEvent]:
        """What an event means beside its CUSTOM event."""
        data = frame.data
        match frame.type:
            case "message_discard":
                self._deltas.discard(data["message"])
                yield from self._messages.discard(data["message"])
            case "tool_error":
                text = f"The call failed: {data['reason'] or data['code'] + '.'}"
                yield from self._messages.tool_result(data, text, data["code"])
            case "human_message":
                yield from self._messages.human(frame.seq, data)
            case "complete":
                self._state |= {"verdict": data, "cost": data["cost_summary"]["usd"]}
            case "error":
                self._error = data

    def _custom(self, type_: str, data: Data) -> CustomEvent:
        value = dict(data)
        if type_ == "input_request":
            value["answer"] = reverse("api:say", args=[self._conversation])
        return CustomEvent(name=f"outcry.{type_}", value=value)

    def _demo(self, mode: str) -> Iterator[BaseEvent]:
        if mode == Mode.DEMO and not self._is_demo:
            self._is_demo = True
            message = "What follows is a scripted demo; no model is used."
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
                outcome, usage = RunFinishedSuccessOutcome(), _token_usage(self._ended_messages)
                return RunFinishedEvent(**run, result=result, outcome=outcome, usage=usage)
            case Status.CANCELLED:
                return RunFinishedEvent(**run, result=result, outcome=RunFinishedCancelledOutcome())
        code = self._error.get("code") or data["reason"] or "error"
        return RunErrorEvent(message=self._error.get("message") or "The debate has failed.", code=code)


def _token_usage(messages: Iterable[Data]) -> list[TokenUsage] | None:
    """Tokens of the messages for each provider and model; None if there is no message. A count that is unknown for
    one message is unknown for its sum."""
    usages: defaultdict[tuple[str, str], list[Data]] = defaultdict(list)
    for data in messages:
        usages[data["provider"], data["model"]].append(data["usage"])

    def total(model_usages: list[Data], part: str) -> int | None:
        counts = [usage[part] for usage in model_usages]
        return None if None in counts else sum(counts)

    return [
        TokenUsage(
            provider=provider,
            model=model,
            input_tokens=total(found, "input_tokens"),
            output_tokens=total(found, "output_tokens"),
        )
        for (provider, model), found in usages.items()
    ] or None
