"""The messages of a debate as AG-UI's: the events that change them at the client, and the resulting list.

Clients can only append a delta to a message. When the client's list would differ from the debate's (a discarded
message, a corrected text), `needs_snapshot` is set, and the whole list is sent once no message is open.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ag_ui.core import (
    AssistantMessage,
    BaseEvent,
    FunctionCall,
    MessagesSnapshotEvent,
    ReasoningEndEvent,
    ReasoningMessage,
    ReasoningMessageContentEvent,
    ReasoningMessageEndEvent,
    ReasoningMessageStartEvent,
    ReasoningStartEvent,
    RunAgentInput,
    StepFinishedEvent,
    StepStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    ToolCall,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
    ToolMessage,
    UserMessage,
)

from conversations.domain.enums import Mode
from conversations.domain.finish_reasons import cut_note
from conversations.services import client_threads

Data = Mapping[str, Any]
_MEASURED = ("cost", "usage", "confidence", "finish_reason", "duration_ms")


@dataclass
class _Turn:
    """An agent's message as sent to the client. `calls`: its tool calls by id, each with its result or None."""

    message: AssistantMessage
    step: str
    metadata: dict[str, Any]
    calls: dict[str, ToolMessage | None] = field(default_factory=dict)


class Messages:
    """The messages of one run. Each method yields the events for one change of the debate."""

    def __init__(self, run_input: RunAgentInput, conversation: UUID) -> None:
        self._prefix = f"{conversation}:"
        # Without the debate's own messages: they are streamed again, and the client would append them.
        self._others = [one for one in run_input.messages if not one.id.startswith(self._prefix)]
        self._own_keys = {client_threads.key(run_input.thread_id, one.id) for one in self._others}
        self._messages: dict[str, _Turn | UserMessage | ReasoningMessage] = {}
        self._open: dict[str, _Turn] = {}
        self._open_thoughts: dict[str, ReasoningMessage] = {}
        self._step: str | None = None
        self.needs_snapshot = len(self._others) < len(run_input.messages)

    @property
    def is_between_messages(self) -> bool:
        """Whether no message is open, so that the list can be replaced."""
        return not self._open and not self._open_thoughts

    def is_open(self, message: str) -> bool:
        """Whether the message has begun in this run and has not ended."""
        return message in self._open

    def snapshot(self) -> MessagesSnapshotEvent:
        """The debate's messages, after those of the thread that are not the debate's."""
        self.needs_snapshot = False
        messages: list[Any] = [*self._others]
        for entry in self._messages.values():
            if isinstance(entry, _Turn):
                messages += [entry.message, *filter(None, entry.calls.values())]
            else:
                messages.append(entry)
        return MessagesSnapshotEvent(messages=messages)

    def start(self, message: str, data: Data) -> Iterator[BaseEvent]:
        """An agent begins a message; another agent or round begins a step."""
        step = f"Round {data['round']}: {data['agent']}"
        if self._step != step:
            yield from self._finish_step()
            self._step = step
            yield StepStartedEvent(step_name=step)
        name = f"{data['agent']} (demo)" if data["mode"] == Mode.DEMO else data["agent"]
        metadata = {key: value for key, value in data.items() if key not in ("message", "streaming")}
        started = AssistantMessage(
            id=self._prefix + message, name=name, content="", metadata={"outcry": metadata}
        )
        self._messages[message] = self._open[message] = _Turn(started, step, metadata)
        yield TextMessageStartEvent(
            message_id=started.id, role="assistant", name=name, metadata=started.metadata
        )

    def append(self, message: str, text: str) -> Iterator[BaseEvent]:
        """The next text of an open message."""
        opened = self._open[message].message
        opened.content = f"{opened.content}{text}"
        yield TextMessageContentEvent(message_id=opened.id, delta=text)

    def end(self, message: str, data: Data) -> Iterator[BaseEvent]:
        """An open message is complete; `data` has its text."""
        turn = self._open.pop(message)
        measured = {key: data[key] for key in _MEASURED}
        if note := cut_note(data):
            measured["cut"] = note
        turn.message.metadata = {"outcry": {**turn.metadata, **measured}}
        self.needs_snapshot |= turn.message.content != data["content"]
        turn.message.content = data["content"]
        yield TextMessageEndEvent(message_id=turn.message.id, metadata=turn.message.metadata)
        if self._step == turn.step:
            yield from self._finish_step()

    def think(self, message: str) -> Iterator[BaseEvent]:
        """An agent begins to think. In the list its thoughts stand before its message, which is open."""
        thought = ReasoningMessage(id=self._prefix + message, role="reasoning", content="")
        self._messages[message] = self._open_thoughts[message] = thought
        for opened in self._open:
            self._messages[opened] = self._messages.pop(opened)
            self.needs_snapshot = True
        yield ReasoningStartEvent(message_id=thought.id)
        yield ReasoningMessageStartEvent(message_id=thought.id, role="reasoning")

    def append_thought(self, message: str, text: str) -> Iterator[BaseEvent]:
        """The next text of open thoughts."""
        if (thought := self._open_thoughts.get(message)) is not None:
            thought.content += text
            yield ReasoningMessageContentEvent(message_id=thought.id, delta=text)

    def end_thinking(self, message: str, *, is_discarded: bool = False) -> Iterator[BaseEvent]:
        """The thoughts are complete, or discarded with their turn."""
        if is_discarded:
            self.needs_snapshot |= self._messages.pop(message, None) is not None
        if (thought := self._open_thoughts.pop(message, None)) is not None:
            yield ReasoningMessageEndEvent(message_id=thought.id)
            yield ReasoningEndEvent(message_id=thought.id)

    def discard(self, message: str) -> Iterator[BaseEvent]:
        """Remove a discarded message from the list."""
        self.needs_snapshot = True
        turn = self._messages.pop(message, None)
        if self._open.pop(message, None) is not None:
            yield TextMessageEndEvent(message_id=self._prefix + message)
        if isinstance(turn, _Turn):
            yield from self._end_calls(turn)

    def tool_start(self, data: Data) -> Iterator[BaseEvent]:
        """A tool call of a message, with its whole input."""
        turn = self._messages.get(data["message"])
        if not isinstance(turn, _Turn):
            return
        call = _call_id(data)
        turn.calls[call] = None
        function = FunctionCall(name=data["tool"], arguments=data["input"])
        turn.message.tool_calls = [*(turn.message.tool_calls or ()), ToolCall(id=call, function=function)]
        yield ToolCallStartEvent(
            tool_call_id=call, tool_call_name=data["tool"], parent_message_id=turn.message.id
        )
        yield ToolCallArgsEvent(tool_call_id=call, delta=data["input"])
        yield ToolCallEndEvent(tool_call_id=call)

    def tool_result(self, data: Data, content: str, error: str | None) -> Iterator[BaseEvent]:
        """The result of a tool call, or the code of its error. No events if the call is unknown or has a result."""
        turn, call = self._messages.get(data["message"]), _call_id(data)
        if isinstance(turn, _Turn) and turn.calls.get(call, ...) is None:
            result = ToolMessage(id=self._prefix + call, tool_call_id=call, content=content, error=error)
            turn.calls[call] = result
            yield self._result_event(call, content)

    def human(self, seq: int, data: Data) -> Iterator[BaseEvent]:
        """A person's message. No events if this client sent it."""
        if data["idempotency_key"] in self._own_keys:
            return
        message = UserMessage(id=f"{self._prefix}human-{seq}", name=data["author"], content=data["text"])
        self._messages[message.id] = message
        yield TextMessageStartEvent(message_id=message.id, role="user", name=message.name)
        yield TextMessageContentEvent(message_id=message.id, delta=data["text"])
        yield TextMessageEndEvent(message_id=message.id)

    def close(self) -> Iterator[BaseEvent]:
        """The debate has ended: close what is open."""
        for thought in [*self._open_thoughts]:
            yield from self.end_thinking(thought)
        for turn in self._open.values():
            yield TextMessageEndEvent(message_id=turn.message.id)
        self._open.clear()
        for entry in self._messages.values():
            if isinstance(entry, _Turn):
                yield from self._end_calls(entry)
        yield from self._finish_step()

    def _end_calls(self, turn: _Turn) -> Iterator[BaseEvent]:
        # A client would execute a call that has no result.
        for call, result in turn.calls.items():
            if result is None:
                yield self._result_event(call, "The call did not finish.")

    def _result_event(self, call: str, content: str) -> ToolCallResultEvent:
        return ToolCallResultEvent(
            message_id=self._prefix + call, tool_call_id=call, content=content, role="tool"
        )

    def _finish_step(self) -> Iterator[BaseEvent]:
        step, self._step = self._step, None
        if step is not None:
            yield StepFinishedEvent(step_name=step)


def _call_id(data: Data) -> str:
    # Models number their calls from one in each answer.
    return f"{data['message']}:{data['call']}"
