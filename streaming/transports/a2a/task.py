"""A conversation as an A2A task: each message an artifact, the verdict one of data, the status the task's.

Pure. What is told while it goes on, applied to the task of before, is the task of after.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from a2a.helpers import new_data_part, new_text_part
from a2a.types import (
    Artifact,
    Message,
    Part,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)

from conversations.domain.enums import Mode, Status
from conversations.domain.frames import Frame

Data = Mapping[str, Any]
Update = TaskStatusUpdateEvent | TaskArtifactUpdateEvent

STATES: Final[Mapping[str, TaskState]] = {
    Status.QUEUED: TaskState.TASK_STATE_SUBMITTED,
    Status.INITIALIZING: TaskState.TASK_STATE_WORKING,
    Status.ACTIVE: TaskState.TASK_STATE_WORKING,
    Status.PAUSED: TaskState.TASK_STATE_WORKING,
    Status.AWAITING_INPUT: TaskState.TASK_STATE_INPUT_REQUIRED,
    Status.COMPLETED: TaskState.TASK_STATE_COMPLETED,
    Status.CANCELLED: TaskState.TASK_STATE_CANCELED,
    Status.ERROR: TaskState.TASK_STATE_FAILED,
}
ENDED: Final = frozenset(
    {TaskState.TASK_STATE_COMPLETED, TaskState.TASK_STATE_CANCELED, TaskState.TASK_STATE_FAILED}
)
# Where whoever waits for the task is told: it has ended, or goes on only with them.
SETTLED: Final = ENDED | {TaskState.TASK_STATE_INPUT_REQUIRED}
VERDICT: Final = "verdict"
MARKDOWN: Final = "text/markdown"
SIMULATED: Final = "Simulated: a script speaks here, no model."
_DESCRIBED: Final = ("agent", "role", "kind", "round", "model", "provider", "mode")
_MEASURED: Final = ("confidence", "usage", "cost", "finish_reason", "duration_ms")


@dataclass(frozen=True)
class Name:
    """What the task is called, and what it belongs to."""

    task: str
    context: str


class Teller:
    """Turns the frames of a conversation, from its beginning, into updates of its task: each character once."""

    def __init__(self, name: Name) -> None:
        self._name = name
        self._starts: dict[str, Data] = {}
        # What is shown of each message, as far as it may go on.
        self._shown: dict[str, str] = {}
        self._open: dict[str, str] = {}
        self._failure = ""
        self._verdict: Data | None = None
        self._told: tuple[TaskState, str] | None = None

    def take(self, frame: Frame) -> Iterator[Update]:
        """What the next frame changes."""
        data = frame.data
        match frame.type:
            case "message_start":
                self._starts[data["message"]] = data
            case "token":
                yield from self._said(data)
            case "agent_message":
                yield self._ended(data)
            case "message_discard":
                yield from self._discarded(data)
            case "input_request":
                self._open[data["request"]] = data["prompt"]
            case "input_expired":
                self._open.pop(data["request"], None)
            case "human_message":
                self._open.pop(data["reply_to"], None)
            case "error":
                self._failure = data["message"]
            case "complete":
                self._verdict = data
                yield self._verdict_of(data)
            case "status":
                yield from self._status(data, frame.at)

    def _said(self, data: Data) -> Iterator[Update]:
        message = data["message"]
        start, shown = self._starts[message], self._shown.get(message)
        text = (shown or "")[: data["offset"]] + data["text"]
        if shown is None or not text.startswith(shown):
            metadata = {key: start[key] for key in _DESCRIBED}
            yield self._artifact(message, text, start, metadata, append=False, last=False)
        elif text != shown:
            yield self._artifact(message, text[len(shown) :], start, None, append=True, last=False)
        self._shown[message] = text

    def _ended(self, data: Data) -> Update:
        message, content, shown = data["message"], data["content"], self._shown.get(data["message"])
        self._shown[message] = ""
        metadata = {key: data[key] for key in (*_DESCRIBED, *_MEASURED)}
        # Where nothing was told yet, or it ended as something else, it is told whole.
        goes_on = shown is not None and content.startswith(shown)
        text = content[len(shown) :] if goes_on and shown is not None else content
        return self._artifact(message, text, data, metadata, append=goes_on, last=True)

    def _discarded(self, data: Data) -> Iterator[Update]:
        message = data["message"]
        if self._shown.pop(message, None) is not None:
            start = self._starts[message]
            metadata = {**{key: start[key] for key in _DESCRIBED}, "discarded": data["reason"]}
            yield self._artifact(message, "", start, metadata, append=False, last=True)

    def _status(self, data: Data, at: datetime) -> Iterator[Update]:
        if data["status"] == Status.ACTIVE:
            # The panel goes on once nothing is open, also where the answers themselves are left out.
            self._open.clear()
        state, text = STATES[data["status"]], self._text(data)
        if self._told == (state, text):
            return
        self._told = (state, text)
        update = TaskStatusUpdateEvent(
            task_id=self._name.task, context_id=self._name.context, status=TaskStatus(state=state)
        )
        update.status.timestamp.FromDatetime(at)
        if text:
            update.status.message.CopyFrom(self._message(f"{self._name.task}-{data['status']}", text))
        update.metadata.update({key: data[key] for key in ("status", "mode", "reason")})
        yield update

    def _text(self, data: Data) -> str:
        """What the status says to a person."""
        match data["status"]:
            case Status.PAUSED:
                said = "Paused."
            case Status.AWAITING_INPUT:
                said = next(iter(self._open.values()), "")
            case Status.ERROR:
                said = self._failure or "The debate ended with an error."
            case Status.COMPLETED if self._verdict is not None:
                stance = self._verdict["verdict"].replace("_", " ")
                said = f"Verdict: {stance}. {self._verdict['summary']}".strip()
            case _:
                said = ""
        return f"{SIMULATED} {said}".strip() if data["mode"] == Mode.DEMO else said

    def _message(self, id_: str, text: str) -> Message:
        return Message(
            message_id=id_,
            task_id=self._name.task,
            context_id=self._name.context,
            role=Role.ROLE_AGENT,
            parts=[new_text_part(text)],
        )

    def _verdict_of(self, data: Data) -> TaskArtifactUpdateEvent:
        is_demo = data["mode"] == Mode.DEMO
        artifact = Artifact(
            artifact_id=VERDICT,
            name=_named("Verdict", is_demo=is_demo),
            description=f"{SIMULATED if is_demo else ''} The debate's verdict, and what it cost.".strip(),
            parts=[new_data_part(dict(data), media_type="application/json")],
        )
        artifact.metadata.update({"mode": data["mode"]})
        return self._update(artifact, append=False, last=True)

    def _artifact(
        self,
        message: str,
        text: str,
        described: Data,
        metadata: Data | None,
        *,
        append: bool,
        last: bool,
    ) -> TaskArtifactUpdateEvent:
        is_demo = described["mode"] == Mode.DEMO
        artifact = Artifact(
            artifact_id=message,
            name=_named(described["agent"], is_demo=is_demo),
            parts=[new_text_part(text, media_type=MARKDOWN)],
        )
        if not append:
            said = f"Round {described['round']}, {described['kind']}."
            artifact.description = f"{SIMULATED} {said}" if is_demo else said
        if metadata is not None:
            artifact.metadata.update(metadata)
        return self._update(artifact, append=append, last=last)

    def _update(self, artifact: Artifact, *, append: bool, last: bool) -> TaskArtifactUpdateEvent:
        return TaskArtifactUpdateEvent(
            task_id=self._name.task,
            context_id=self._name.context,
            artifact=artifact,
            append=append,
            last_chunk=last,
        )


@dataclass(frozen=True)
class Told:
    """The task as it stands at event `head`, and who tells what follows."""

    name: Name
    task: Task
    teller: Teller
    head: int


def _named(name: str, *, is_demo: bool) -> str:
    return f"{name} (simulated)" if is_demo else name


def empty(name: Name) -> Task:
    """The task before anything was told of it."""
    return Task(
        id=name.task, context_id=name.context, status=TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
    )


def apply(task: Task, updates: Iterable[Update]) -> Task:
    """The task with these updates; what one artifact says stays one part. Changes `task` in place."""
    for update in updates:
        if isinstance(update, TaskStatusUpdateEvent):
            task.status.CopyFrom(update.status)
            task.metadata.MergeFrom(update.metadata)
            continue
        told = update.artifact
        found = next(
            (artifact for artifact in task.artifacts if artifact.artifact_id == told.artifact_id), None
        )
        if found is None:
            task.artifacts.add().CopyFrom(told)
        elif not update.append:
            found.CopyFrom(told)
        else:
            _extend(found.parts[0], told.parts)
            found.metadata.MergeFrom(told.metadata)
    return task


def _extend(part: Part, more: Iterable[Part]) -> None:
    part.text += "".join(piece.text for piece in more)


def spoken(name: Name, frames: Iterable[Frame]) -> list[Message]:
    """What passed between people and the panel, for the task's history: questions, answers and remarks."""
    history: list[Message] = []
    for frame in frames:
        if frame.type not in {"input_request", "human_message"}:
            continue
        data = frame.data
        is_question = frame.type == "input_request"
        history.append(
            Message(
                message_id=data["request"] if is_question else f"{name.task}-{frame.seq}",
                task_id=name.task,
                context_id=name.context,
                role=Role.ROLE_AGENT if is_question else Role.ROLE_USER,
                parts=[new_text_part(data["prompt"] if is_question else data["text"])],
            )
        )
    return history
