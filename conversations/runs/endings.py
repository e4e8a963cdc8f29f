"""The events that end the unfinished messages of a debate, from its log. Unlike recovery, it does not import the
debate."""

from datetime import datetime, timedelta
from uuid import UUID

from conversations.domain import transcript
from conversations.domain.events import EventData, MessageDiscard
from conversations.event_log import queries


def cancelled(conversation: UUID) -> list[EventData]:
    """The events that end the unfinished messages of a cancelled debate: the stored tokens of a message become its
    text, and a message without any is discarded."""
    began: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    state = transcript.empty()
    for frame in queries.frames(conversation):
        transcript.fold([(frame.seq, frame.type, frame.data)], state)
        if frame.type in ("message_start", "token"):
            last[frame.data["message"]] = frame.at
            began.setdefault(frame.data["message"], frame.at)
    return [
        _cut(message, last[message["id"]] - began[message["id"]])
        if message["text"]
        else _discard(message, "cancelled")
        for message in _unfinished(state)
    ]


def unfinished(conversation: UUID, reason: str) -> list[EventData]:
    """The events that discard the unfinished messages of a debate that ends with an error."""
    state = transcript.fold(queries.read_all(conversation))
    return [_discard(message, reason) for message in _unfinished(state)]


def _unfinished(state: transcript.State) -> list[transcript.State]:
    return [message for message in state["messages"] if message["state"] == "speaking"]


def _discard(message: transcript.State, reason: str) -> EventData:
    return MessageDiscard(message=UUID(message["id"]), reason=reason)


def _cut(message: transcript.State, took: timedelta) -> EventData:
    milliseconds = max(0, round(took.total_seconds() * 1_000))
    return transcript.agent_message(message, usage={}, finish_reason="cancelled", duration_ms=milliseconds)
