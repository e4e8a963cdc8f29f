"""AG-UI: a debate as an agent's run, for CopilotKit and every other client of the protocol.

POST {path}     a RunAgentInput; the answer is the run's events, as Server-Sent Events

A thread is a conversation: one whose id the thread is, or one that a run of the thread began. A new thread's last user
message is the topic of a new debate; the same run asked for again is the same debate, from its beginning. A new message
in a thread whose debate goes on is said in it, or answers what an agent has asked, and `resume` answers a question by
its id. A run ends with RUN_FINISHED, or with RUN_ERROR where the debate failed or the stream broke off; a client that
goes away ends nothing.

Every turn is a step and a text message. What AG-UI has no event for is a CUSTOM event: "outcry." and the event's type,
with the event's data. Ids of messages begin with the conversation's, so that what a client sends back of them is told
from the rest of its thread.
"""

import re
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
    TextPart,
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
from django.conf import settings
from django.urls import reverse
from pydantic import ValidationError

from conversations.domain import requests as forms
from conversations.domain.enums import Scope
from conversations.domain.errors import InvalidInput, Problem
from conversations.domain.events import TERMINAL, Mode, Status
from conversations.domain.requests import NewConversation
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import client_threads as threads
from conversations.services import debates as services
from streaming.http.endpoint import Door
from streaming.http.request import Request, Visitor
from streaming.http.stream_response import BEAT, SILENCE, Stream, headers, respond
from streaming.wire.close_codes import Close
from streaming.wire.frames import Frame
from streaming.wire.text_deltas import Discarded, Ended, Other, Said, Speech, Started, Voices

TRANSPORT: Final = "agui"
# What `forwardedProps` may say of a new debate; the topic is the message.
PROPERTIES: Final = frozenset(NewConversation.model_fields) - {"topic"}


def doors() -> list[tuple[str, Door]]:
    """The addresses of this transport."""
    return [(re.escape(f"/{settings.OUTCRY_AGUI_PATH}"), Running())]


class Running(Door):
    """Runs: starts a debate, or takes part in one, and follows it from its beginning."""

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        visitor = await request.visitor()
        visitor.caller.require(Scope.WATCH)
        asked = _asked(request.body)
        conversation = await _conversation(visitor, asked)
        events = Events(asked, conversation.pk, conversation.topic)
        told = headers(conversation.pk, f"{events.encoder.get_content_type()}; charset=utf-8")
        stream = Stream(TRANSPORT, visitor, conversation.pk, 0, events, told)
        await respond(request, stream, receive, send)


async def _conversation(visitor: Visitor, asked: RunAgentInput) -> Conversation:
    """The debate that the run is about, once what it brings has been said or done."""
    person = visitor.caller.user
    message = asked.messages[-1] if asked.messages and isinstance(asked.messages[-1], UserMessage) else None
    run = threads.Run(asked.thread_id, asked.run_id, None if message is None else message.id)
    run.require_storable()
    found = await database.run(threads.find, person, run)
    if asked.resume:
        answers = _answers(asked)
        if found is None:
            raise InvalidInput(
                [Problem("resume", "unknown_thread", "This thread has no debate to answer in.")]
            )
        for said, question in answers:
            await _say(visitor, found.conversation, said, question)
    elif found is None or (not found.is_answered and found.conversation.is_finished):
        visitor.caller.require(Scope.START)
        return await services.start_once(person, _new(asked), run)
    elif message is not None and not found.is_answered:
        said = {"text": _text(message), "idempotency_key": threads.key(asked.thread_id, message.id)}
        await _say(visitor, found.conversation, said, found.question)
    return found.conversation


def _answers(asked: RunAgentInput) -> list[tuple[dict[str, Any], str]]:
    """What `resume` answers, and which question. At most one: of several, a refusal of the second would come when the
    first is stored. Raises InvalidInput."""
    # Who does not answer lets the time run out, and the debate goes on.
    resolved = [entry for entry in asked.resume or () if entry.status == "resolved"]
    if len(resolved) > 1:
        raise InvalidInput([Problem("resume", "one_answer", "Answer one question in a run.")])
    answers = []
    for entry in resolved:
        text = entry.payload.get("text") if isinstance(entry.payload, dict) else entry.payload
        key = threads.key(asked.thread_id, entry.interrupt_id)
        answers.append(({"text": text, "idempotency_key": key}, entry.interrupt_id))
    return answers


async def _say(
    visitor: Visitor, conversation: Conversation, said: dict[str, Any], reply_to: UUID | str | None
) -> None:
    visitor.caller.require(Scope.CONTROL)
    words = forms.parse_input({**said, "reply_to": reply_to})
    await services.say(visitor.caller.user, conversation.pk, words)


def _asked(body: bytes) -> RunAgentInput:
    try:
        return RunAgentInput.model_validate_json(body)
    except ValidationError as failure:
        raise InvalidInput(forms.problems(failure.errors(include_url=False))) from None


def _new(asked: RunAgentInput) -> NewConversation:
    """The debate that a thread's messages ask for. Raises InvalidInput."""
    spoken = [message for message in asked.messages if isinstance(message, UserMessage)]
    if not spoken:
        raise InvalidInput([Problem("messages", "missing", "A debate needs a user message: its topic.")])
    props = {} if asked.forwarded_props is None else asked.forwarded_props
    if not isinstance(props, dict):
        raise InvalidInput([Problem("forwardedProps", "model_type", "This has to be a JSON object.")])
    values = {name: value for name, value in props.items() if name in PROPERTIES}
    *earlier, topic = map(_text, spoken)
    context = [f"{each.description}:\n{each.value}" for each in asked.context or ()]
    content = values.get("content", "")
    if isinstance(content, str):
        values["content"] = "\n\n".join(filter(None, [*earlier, *context, content]))
    try:
        return forms.parse({**values, "topic": topic})
    except InvalidInput as refused:
        # In the client's words: it gave no topic.
        raise InvalidInput(
            [
                Problem("messages", problem.rule, f"The last user message is the topic. {problem.message}")
                if problem.field == "topic"
                else problem
                for problem in refused.problems
            ]
        ) from None


def _text(message: UserMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    if not all(isinstance(part, TextPart) for part in message.content):
        raise InvalidInput([Problem("messages", "text_only", "Agents here read nothing but text.")])
    return "\n".join(part.text for part in message.content if isinstance(part, TextPart))


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
        self._keys = {threads.key(asked.thread_id, message.id) for message in self._others}
        self._conversation = str(conversation)
        before = asked.state if isinstance(asked.state, dict) else {}
        self._state = {
            **before,
            "conversation": self._conversation,
            "topic": topic,
            "verdict": None,
            "cost": None,
        }
        self._voices = Voices()
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
