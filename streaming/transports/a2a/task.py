"""A conversation as an A2A task: each message becomes an artifact, with its checked figures as data; the record and the
verdict become data artifacts, the status the task's status.

Pure. Applying the updates of all later frames to a snapshot gives the same task as a later snapshot.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypedDict

from a2a.helpers import new_data_artifact, new_data_part, new_task, new_text_artifact, new_text_part
from a2a.types import (
    Artifact,
    Message,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)

from conversations.domain import formatting, steps
from conversations.domain.enums import NOT_A_DEBATE, Kind, Mode, Status
from conversations.domain.finish_reasons import cut_note
from conversations.domain.frames import Frame
from conversations.domain.thoughts import Thoughts

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
# A status of a later version, which is none of those that end a debate.
UNKNOWN: Final = TaskState.TASK_STATE_WORKING
ENDED: Final = frozenset(
    {TaskState.TASK_STATE_COMPLETED, TaskState.TASK_STATE_CANCELED, TaskState.TASK_STATE_FAILED}
)
# States in which a waiting client gets the task: it has ended, or needs an answer to continue.
SETTLED: Final = ENDED | {TaskState.TASK_STATE_INPUT_REQUIRED}
VERDICT: Final = "verdict"
RECORD: Final = "record"
JSON: Final = "application/json"
MARKDOWN: Final = "text/markdown"
SIMULATED: Final = "Simulated: this text is scripted, no model is used."
_DESCRIBED: Final = ("agent", "role", "kind", "round", "model", "provider", "mode")
_MEASURED: Final = ("confidence", "usage", "cost", "finish_reason", "duration_ms")


class TaskIds(TypedDict):
    """The ids of the task and of its context, as messages and updates have them."""

    task_id: str
    context_id: str


class TaskUpdates:
    """Turns the frames of a conversation, from its first, into updates of its task, which repeat no text."""

    def __init__(self, ids: TaskIds) -> None:
        self._ids = ids
        self._starts: dict[str, Data] = {}
        # Thoughts are no artifacts.
        self._thoughts = Thoughts()
        # The text of each open message that the client has received.
        self._shown: dict[str, str] = {}
        self._questions: dict[str, str] = {}
        self._error = ""
        self._verdict: Data | None = None
        # The text of the last message.
        self._answer = ""
        # Items of the record that are still to come; None without a record.
        self._missing_items: int | None = None
        self._last: tuple[TaskState, str] | None = None

    def take(self, frame: Frame) -> Iterator[Update]:
        """The updates of the next frame."""
        if self._thoughts.has(frame):
            return
        data = frame.data
        match frame.type:
            case "routing":
                yield self._routing(data, frame.at)
            case "message_start":
                self._starts[data["message"]] = data
            case "token":
                yield from self._token(data)
            case "agent_message":
                yield self._message(data)
            case "figures" if data["final"]:
                checked = {name: data[name] for name in ("checker", "items")}
                yield self._data_update(data["message"], checked, last=True)
            case "snapshot":
                self._missing_items = data["items"]
                yield self._record_update(data)
            case "evidence" if self._missing_items is not None:
                # Results of tools follow the record's own items.
                self._missing_items = max(0, self._missing_items - len(data["items"]))
                yield self._data_update(RECORD, {"items": data["items"]}, last=not self._missing_items)
            case "tool_start" | "tool_end" | "tool_error":
                yield self._call_update(frame.type, data)
            case "message_discard":
                yield from self._discard(data)
            case "input_request":
                self._questions[data["request"]] = data["prompt"]
            case "input_expired":
                self._questions.pop(data["request"], None)
            case "human_message":
                self._questions.pop(data["reply_to"], None)
            case "error":
                self._error = data["message"]
            case "complete":
                self._verdict = data
                yield self._verdict_update(data)
            case "status":
                yield from self._status(data, frame.at)

    def _routing(self, data: Data, at: datetime) -> Update:
        """Which team takes the question, in the metadata, and in a sentence if no person has chosen it."""
        text = steps.line("routing", data)
        self._last = (TaskState.TASK_STATE_WORKING, text)
        update = self._status_update(*self._last, f"{self._ids['task_id']}-routing", at)
        # Events of earlier versions do not say who chose.
        chosen = {key: data.get(key) for key in ("by", "reason", "confidence")}
        update.metadata.update({"panel": data["panel"], "routing": chosen})
        return update

    def _token(self, data: Data) -> Iterator[Update]:
        message = data["message"]
        start, shown = self._starts[message], self._shown.get(message)
        text = (shown or "")[: data["offset"]] + data["text"]
        if shown is None or not text.startswith(shown):
            yield self._text_update(start, text, {key: start[key] for key in _DESCRIBED})
        elif text != shown:
            yield self._text_update(start, text[len(shown) :], {}, append=True)
        self._shown[message] = text

    def _message(self, data: Data) -> Update:
        self._answer = data["content"]
        message, shown, note = data["message"], self._shown.get(data["message"]), cut_note(data)
        content = f"{data['content']}\n\n> {note}" if note else data["content"]
        self._shown[message] = ""
        metadata = {key: data[key] for key in (*_DESCRIBED, *_MEASURED)}
        # Send the whole text if the client has none of it, or a different text.
        goes_on = shown is not None and content.startswith(shown)
        text = content[len(shown) :] if goes_on and shown is not None else content
        # Its figures follow, unless it was cut by a cancel.
        has_figures = self._missing_items is not None and data["finish_reason"] != "cancelled"
        return self._text_update(data, text, metadata, append=goes_on, last=not has_figures)

    def _discard(self, data: Data) -> Iterator[Update]:
        message = data["message"]
        if self._shown.pop(message, None) is not None:
            start = self._starts[message]
            metadata = {**{key: start[key] for key in _DESCRIBED}, "discarded": data["reason"]}
            yield self._text_update(start, "", metadata, last=True)

    def _status(self, data: Data, at: datetime) -> Iterator[Update]:
        if data["status"] == Status.ACTIVE:
            # An active debate has no open question. OUTCRY_EVENTS may leave out the event that answered it.
            self._questions.clear()
        state, text = STATES.get(data["status"], UNKNOWN), self._text(data)
        if self._last == (state, text):
            return
        self._last = (state, text)
        update = self._status_update(state, text, f"{self._ids['task_id']}-{data['status']}", at)
        update.metadata.update({key: data[key] for key in ("status", "mode", "reason")})
        yield update

    def _status_update(
        self, state: TaskState, text: str, message: str, at: datetime
    ) -> TaskStatusUpdateEvent:
        """An update of the status; `text` is for people, in a message with this id, unless it is empty."""
        update = TaskStatusUpdateEvent(**self._ids, status=TaskStatus(state=state))
        update.status.timestamp.FromDatetime(at)
        if text:
            update.status.message.CopyFrom(text_message(self._ids, Role.ROLE_AGENT, message, text))
        return update

    def _text(self, data: Data) -> str:
        """The status message for people."""
        match data["status"]:
            case Status.PAUSED:
                text = "Paused."
            case Status.AWAITING_INPUT:
                text = next(iter(self._questions.values()), "")
            case Status.ERROR:
                text = self._error or "The debate ended with an error."
            case Status.COMPLETED if self._verdict is not None and self._verdict["reason"] == NOT_A_DEBATE:
                text = self._answer
            case Status.COMPLETED if self._verdict is not None:
                text = f"Verdict: {formatting.stance(self._verdict)}. {self._verdict['summary']}".strip()
            case _:
                text = ""
        return _marked(text, is_demo=data["mode"] == Mode.DEMO)

    def _verdict_update(self, data: Data) -> TaskArtifactUpdateEvent:
        is_demo = data["mode"] == Mode.DEMO
        artifact = new_data_artifact(
            _named("Verdict", is_demo=is_demo),
            dict(data),
            media_type=JSON,
            description=_marked("The debate's verdict, and what it cost.", is_demo=is_demo),
            artifact_id=VERDICT,
        )
        artifact.metadata.update({"mode": data["mode"]})
        return self._update(artifact, append=False, last=True)

    def _call_update(self, type_: str, data: Data) -> TaskArtifactUpdateEvent:
        """A call of a tool: an artifact of its own, whose first part is the call and whose second is its outcome."""
        is_start, text = type_ == "tool_start", steps.line(type_, data)
        parts = [
            # Clients join the texts of an artifact.
            new_text_part(text if is_start else f"\n\n{text}", media_type=MARKDOWN),
            new_data_part(dict(data), media_type=JSON),
        ]
        artifact = Artifact(artifact_id=f"{data['message']}:{data['call']}", parts=parts)
        if is_start:
            artifact.name = data["tool"]
        artifact.metadata.update({"kind": Kind.ACTION if is_start else Kind.TOOL_RESULT})
        return self._update(artifact, append=not is_start, last=not is_start)

    def _record_update(self, data: Data) -> TaskArtifactUpdateEvent:
        description = "The record that figures are checked against, and its items."
        artifact = new_data_artifact(
            "Record", dict(data), media_type=JSON, description=description, artifact_id=RECORD
        )
        return self._update(artifact, append=False, last=not data["items"])

    def _data_update(self, artifact: str, data: Data, *, last: bool) -> TaskArtifactUpdateEvent:
        """A further part, of data, for an artifact."""
        parts = [new_data_part(dict(data), media_type=JSON)]
        return self._update(Artifact(artifact_id=artifact, parts=parts), append=True, last=last)

    def _text_update(
        self, message: Data, text: str, metadata: Data, *, append: bool = False, last: bool = False
    ) -> TaskArtifactUpdateEvent:
        """`message` is the data of the message's start or of the whole message."""
        is_demo = message["mode"] == Mode.DEMO
        description = _marked(f"Round {message['round']}, {message['kind']}.", is_demo=is_demo)
        artifact = new_text_artifact(
            _named(message["agent"], is_demo=is_demo),
            text,
            media_type=MARKDOWN,
            description=None if append else description,
            artifact_id=message["message"],
        )
        artifact.metadata.update(metadata)
        return self._update(artifact, append=append, last=last)

    def _update(self, artifact: Artifact, *, append: bool, last: bool) -> TaskArtifactUpdateEvent:
        return TaskArtifactUpdateEvent(**self._ids, artifact=artifact, append=append, last_chunk=last)


@dataclass(frozen=True)
class TaskSnapshot:
    """The task at event `head`, and the TaskUpdates for the frames after it."""

    task: Task
    updates: TaskUpdates
    head: int


def _named(name: str, *, is_demo: bool) -> str:
    return f"{name} (simulated)" if is_demo else name


def _marked(text: str, *, is_demo: bool) -> str:
    return f"{SIMULATED} {text}".strip() if is_demo else text


def empty(ids: TaskIds) -> Task:
    """The task before its first event."""
    return new_task(**ids, state=TaskState.TASK_STATE_SUBMITTED)


def apply(task: Task, updates: Iterable[Update]) -> Task:
    """Apply the updates to `task`, in place, and return it. The text of an artifact stays one part, its first."""
    for update in updates:
        if isinstance(update, TaskStatusUpdateEvent):
            task.status.CopyFrom(update.status)
            task.metadata.MergeFrom(update.metadata)
            continue
        changed = update.artifact
        found = next(
            (artifact for artifact in task.artifacts if artifact.artifact_id == changed.artifact_id), None
        )
        if found is None:
            task.artifacts.add().CopyFrom(changed)
        elif not update.append:
            found.CopyFrom(changed)
        else:
            _append(found, changed)
    return task


def _append(found: Artifact, changed: Artifact) -> None:
    for part in changed.parts:
        if part.HasField("text"):
            found.parts[0].text += part.text
        else:
            found.parts.append(part)
    found.metadata.MergeFrom(changed.metadata)


def text_message(ids: TaskIds, role: Role, message_id: str, *texts: str) -> Message:
    """A message of the task, with a part for each text."""
    return Message(**ids, message_id=message_id, role=role, parts=map(new_text_part, texts))


def history(ids: TaskIds, frames: Iterable[Frame]) -> list[Message]:
    """The messages between people and the panel: questions, answers and remarks."""
    messages: list[Message] = []
    for frame in frames:
        data = frame.data
        if frame.type == "input_request":
            messages.append(text_message(ids, Role.ROLE_AGENT, data["request"], data["prompt"]))
        elif frame.type == "human_message":
            id_ = f"{ids['task_id']}-{frame.seq}"
            messages.append(text_message(ids, Role.ROLE_USER, id_, data["text"]))
    return messages
