"""Events of a debate as AG-UI's."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from ag_ui.core import (
    PROTOCOL_VERSION,
    AssistantMessage,
    BaseEvent,
    CustomEvent,
    FunctionCall,
    MessagesSnapshotEvent,
    RunAgentInput,
    RunErrorEvent,
    RunFinishedCancelledOutcome,
    RunFinishedEvent,
    RunFinishedSuccessOutcome,
    RunStartedEvent,
    StateSnapshotEvent,
    StepFinishedEvent,
    StepStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    TokenUsage,
    ToolCall,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
    ToolMessage,
    UserMessage,
)
from ag_ui.encoder import EventEncoder
from django.urls import reverse

from conversations.domain.enums import TERMINAL, Mode, Status
from conversations.domain.frames import Frame
from conversations.services import client_threads
from streaming.http.stream_response import BEAT, SILENCE
from streaming.wire.close_codes import Close
from streaming.wire.text_deltas import Discarded, Ended, Other, Said, Speech, Started, TextDeltas


@dataclass
class _Voice:
    """An agent's message as it stands at the client. `calls` are its tool calls by their ids, with their results."""

    message: AssistantMessage
    step: str
    about: dict[str, Any]
    calls: dict[str, ToolMessage | None] = field(default_factory=dict)


class Events:
    """The encoder: one run's events, in an order that every client takes."""

    silence = SILENCE

    def __init__(self, asked: RunAgentInput, conversation: UUID, topic: str) -> None:
        self.encoder = EventEncoder()
        self._asked = asked
        self._mine = f"{conversation}:"
        # A message that is told again would be added to what the client has of it.
        self._others = [message for message in asked.messages if not message.id.startswith(self._mine)]
        self._keys = {client_threads.key(asked.thread_id, message.id) for message in self._others}
        self._conversation = str(conversation)
        before = asked.state if isinstance(asked.state, dict) else {}
        self._state = {
            **before,
            "conversation": self._conversation,
            "topic": topic,
            "verdict": None,
            "cost": None,
        }
        self._voices = TextDeltas()
        self._standing: dict[str, _Voice | UserMessage] = {}
        self._open: dict[str, _Voice] = {}
        self._step: str | None = None
        self._usage: dict[tuple[str, str], TokenUsage] = {}
        self._failure: dict[str, Any] = {}
        self._has_begun = self._has_ended = self._is_demo = False
        # Whether what the client has differs from what stands.
        self._is_amiss = False

    def frame(self, frame: Frame) -> bytes:
        return b"".join(map(self._encode, self._told(frame)))

    def aside(self, frame: Frame) -> bytes:
        if frame.type == "heartbeat":
            return BEAT
        return b"".join(map(self._encode, self._told_aside(frame)))

    def end(self, why: Close) -> bytes:
        if self._has_ended:
            return b""
        message = (
            "The stream broke off, and the debate goes on. Run again in the same thread to follow it."
            if why.retryable
            else "You may not follow this debate any more."
        )
        # At any time, whatever is open.
        return self._encode(RunErrorEvent(message=message, code=why.name.lower()))

    def _encode(self, event: BaseEvent) -> bytes:
        text = self.encoder.encode(event)
        # Some clients take these for ends of lines.
        return (text if text.isascii() else text.translate(_ENDS)).encode()

    def _told(self, frame: Frame) -> Iterator[BaseEvent]:
        yield from self._begin()
        for speech in self._voices.take(frame.type, frame.data):
            yield from self._spoken(frame.seq, speech)
        if self._is_amiss and not self._open and not self._has_ended:
            yield self._whole()

    def _told_aside(self, frame: Frame) -> Iterator[BaseEvent]:
        yield from self._begin()
        if frame.type != "hello" and not self._has_ended:
            yield CustomEvent(name=f"outcry.{frame.type}", value=frame.data)

    def _begin(self) -> Iterator[BaseEvent]:
        if self._has_begun:
            return
        self._has_begun = True
        yield RunStartedEvent(
            thread_id=self._asked.thread_id,
            run_id=self._asked.run_id,
            parent_run_id=self._asked.parent_run_id,
            protocol_version=PROTOCOL_VERSION,
            metadata={"outcry": {"conversation": self._conversation}},
        )
        if len(self._others) < len(self._asked.messages):
            yield self._whole()

    def _spoken(self, seq: int, speech: Speech) -> Iterator[BaseEvent]:
        match speech:
            case Started(message, data):
                yield from self._demo(data["mode"])
                yield from self._start(message, data)
            case Said(message, text) if message in self._open:
                spoken = self._open[message].message
                spoken.content = f"{spoken.content}{text}"
                yield TextMessageContentEvent(message_id=self._mine + message, delta=text)
            case Ended(message, data) if message in self._open:
                yield from self._ended(message, data)
            case Discarded(message, reason):
                yield from self._discard(message, reason)
            case Other(type_, data):
                yield from self._other(seq, type_, data)

    def _start(self, message: str, data: Any) -> Iterator[BaseEvent]:
        step = f"Round {data['round']}: {data['agent']}"
        if self._step != step:
            yield from self._close_step()
            self._step = step
            yield StepStartedEvent(step_name=step)
        name = f"{data['agent']} (demo)" if data["mode"] == Mode.DEMO else data["agent"]
        about = {key: value for key, value in data.items() if key not in ("message", "streaming")}
        spoken = AssistantMessage(id=self._mine + message, name=name, content="", metadata={"outcry": about})
        self._standing[message] = self._open[message] = _Voice(spoken, step, about)
        yield TextMessageStartEvent(
            message_id=spoken.id, role="assistant", name=name, metadata=spoken.metadata
        )

    def _ended(self, message: str, data: Any) -> Iterator[BaseEvent]:
        voice = self._open.pop(message)
        known = ("cost", "usage", "confidence", "finish_reason", "duration_ms")
        voice.message.metadata = {"outcry": {**voice.about, **{key: data[key] for key in known}}}
        self._is_amiss |= voice.message.content != data["content"]
        voice.message.content = data["content"]
        self._count(data)
        yield TextMessageEndEvent(message_id=voice.message.id, metadata=voice.message.metadata)
        if self._step == voice.step:
            yield from self._close_step()

    def _discard(self, message: str, reason: str) -> Iterator[BaseEvent]:
        # Only a whole new list takes a message back.
        self._is_amiss = True
        voice = self._standing.pop(message, None)
        if self._open.pop(message, None) is not None:
            yield TextMessageEndEvent(message_id=self._mine + message)
        if isinstance(voice, _Voice):
            yield from self._unanswered(voice)
        yield self._custom("message_discard", {"message": message, "reason": reason})

    def _other(self, seq: int, type_: str, data: Any) -> Iterator[BaseEvent]:
        match type_:
            case "status":
                yield from self._status(data)
                return
            case "tool_start":
                yield from self._tool_start(data)
            case "tool_end":
                yield from self._tool_result(data, data["output"], None)
                return
            case "tool_error":
                yield from self._tool_result(data, f"The call failed: {data['code']}.", data["code"])
            case "human_message":
                yield from self._human(seq, data)
            case "complete":
                self._state |= {"verdict": data, "cost": data["cost_summary"]["usd"]}
            case "error":
                self._failure = data
        if type_ != "tool_start":
            yield self._custom(type_, data)

    def _custom(self, type_: str, data: Any) -> CustomEvent:
        value = dict(data)
        if type_ == "input_request":
            value["answer"] = reverse("api:say", args=[self._conversation])
        return CustomEvent(name=f"outcry.{type_}", value=value)

    def _tool_start(self, data: Any) -> Iterator[BaseEvent]:
        voice = self._standing.get(data["message"])
        if not isinstance(voice, _Voice):
            return
        id_ = _call(data)
        voice.calls[id_] = None
        function = FunctionCall(name=data["tool"], arguments=data["input"])
        voice.message.tool_calls = [*(voice.message.tool_calls or ()), ToolCall(id=id_, function=function)]
        yield ToolCallStartEvent(
            tool_call_id=id_, tool_call_name=data["tool"], parent_message_id=voice.message.id
        )
        yield ToolCallArgsEvent(tool_call_id=id_, delta=data["input"])
        yield ToolCallEndEvent(tool_call_id=id_)

    def _tool_result(self, data: Any, content: str, error: str | None) -> Iterator[BaseEvent]:
        voice, id_ = self._standing.get(data["message"]), _call(data)
        result = ToolMessage(id=f"{self._mine}{id_}", tool_call_id=id_, content=content, error=error)
        if not isinstance(voice, _Voice) or voice.calls.get(id_, result) is not None:
            # Its start was left out, or it has come to its end.
            return
        voice.calls[id_] = result
        yield ToolCallResultEvent(message_id=result.id, tool_call_id=id_, content=content, role="tool")

    def _unanswered(self, voice: _Voice) -> Iterator[BaseEvent]:
        # Clients would take such a call for one that they are to carry out.
        for id_, result in voice.calls.items():
            if result is None:
                content = "The call came to no end."
                yield ToolCallResultEvent(
                    message_id=f"{self._mine}{id_}", tool_call_id=id_, content=content, role="tool"
                )

    def _human(self, seq: int, data: Any) -> Iterator[BaseEvent]:
        if data["idempotency_key"] in self._keys:
            return
        said = UserMessage(id=f"{self._mine}human-{seq}", name=data["author"], content=data["text"])
        self._standing[said.id] = said
        yield TextMessageStartEvent(message_id=said.id, role="user", name=said.name)
        yield TextMessageContentEvent(message_id=said.id, delta=data["text"])
        yield TextMessageEndEvent(message_id=said.id)

    def _status(self, data: Any) -> Iterator[BaseEvent]:
        yield from self._demo(data["mode"])
        self._state |= {"status": data["status"], "mode": data["mode"], "reason": data["reason"]}
        if data["status"] in TERMINAL:
            yield from self._finish(data)
        else:
            yield self._snapshot()

    def _finish(self, data: Any) -> Iterator[BaseEvent]:
        for voice in self._open.values():
            yield TextMessageEndEvent(message_id=voice.message.id)
        self._open.clear()
        for standing in self._standing.values():
            if isinstance(standing, _Voice):
                yield from self._unanswered(standing)
        yield from self._close_step()
        if self._is_amiss:
            yield self._whole()
        yield self._snapshot()
        self._has_ended = True
        run = {"thread_id": self._asked.thread_id, "run_id": self._asked.run_id}
        result = {
            key: self._state[key] for key in ("conversation", "status", "mode", "reason", "verdict", "cost")
        }
        match data["status"]:
            case Status.COMPLETED:
                outcome = RunFinishedSuccessOutcome()
                usage = [*self._usage.values()] or None
                yield RunFinishedEvent(**run, result=result, outcome=outcome, usage=usage)
            case Status.CANCELLED:
                yield RunFinishedEvent(**run, result=result, outcome=RunFinishedCancelledOutcome())
            case _:
                code = self._failure.get("code") or data["reason"] or "error"
                message = self._failure.get("message") or "The debate has failed."
                yield RunErrorEvent(message=message, code=code)

    def _close_step(self) -> Iterator[BaseEvent]:
        step, self._step = self._step, None
        if step is not None:
            yield StepFinishedEvent(step_name=step)

    def _demo(self, mode: str) -> Iterator[BaseEvent]:
        if mode == Mode.DEMO and not self._is_demo:
            self._is_demo = True
            told = "No model speaks: what follows is a scripted demo."
            yield self._custom("demo", {"mode": mode, "message": told})

    def _snapshot(self) -> StateSnapshotEvent:
        return StateSnapshotEvent(snapshot=dict(self._state))

    def _whole(self) -> MessagesSnapshotEvent:
        """Every message that stands, and those of the thread that are not the debate's."""
        self._is_amiss = False
        messages: list[Any] = [*self._others]
        for standing in self._standing.values():
            if isinstance(standing, _Voice):
                messages += [standing.message, *filter(None, standing.calls.values())]
            else:
                messages.append(standing)
        return MessagesSnapshotEvent(messages=messages)

    def _count(self, data: Any) -> None:
        """What is not known of one message is not known of the sum."""
        spoken_by = (data["provider"], data["model"])
        now, before = data["usage"], self._usage.get(spoken_by)
        sums = {
            part: now[part]
            if before is None
            else None
            if now[part] is None or getattr(before, part) is None
            else now[part] + getattr(before, part)
            for part in ("input_tokens", "output_tokens")
        }
        self._usage[spoken_by] = TokenUsage(provider=data["provider"], model=data["model"], **sums)


_ENDS: Final = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\u0085": "\\u0085"})


def _call(data: Any) -> str:
    # Models number their calls from one in each answer.
    return f"{data['message']}:{data['call']}"
