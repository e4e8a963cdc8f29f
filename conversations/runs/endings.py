"""Reads from a conversation's log during a run, and makes the events that end unfinished messages. Unlike recovery, it
does not import the debate."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from conversations.domain import transcript
from conversations.domain.events import (
    AgentMessage,
    EventData,
    MessageDiscard,
    MessageStart,
    Token,
    Usage,
    load,
)
from conversations.domain.human_input import HumanInput
from conversations.event_log import queries

Row = tuple[int, str, dict[str, Any]]


def human_input(conversation: UUID, after: int) -> list[Row]:
    """(seq, type, data) of the events that `HumanInput` folds and that follow event `after`, in order."""
    return list(queries.read_all(conversation, after, HumanInput.TYPES))


def cancelled(conversation: UUID) -> list[EventData]:
    """The events that end the unfinished messages of a cancelled debate: the stored tokens of a message become its
    text, and a message without any is discarded."""
    started: dict[str, tuple[datetime, MessageStart]] = {}
    last: dict[str, datetime] = {}
    state = transcript.empty()
    for frame in queries.frames(conversation):
        transcript.fold([(frame.seq, frame.type, frame.data)], state)
        event = load(frame.type, frame.data)
        if isinstance(event, MessageStart):
            started[str(event.message)] = (frame.at, event)
        elif isinstance(event, Token):
            last[str(event.message)] = frame.at
    ends: list[EventData] = []
    for message in state["messages"]:
        if message["state"] == "speaking":
            since, start = started[message["id"]]
            ends.append(_cut(start, message, last.get(message["id"], since) - since))
    return ends


def unfinished(conversation: UUID, reason: str) -> list[EventData]:
    """The events that discard the unfinished messages of a debate that ends with an error."""
    state = transcript.fold(queries.read_all(conversation))
    return [
        MessageDiscard(message=UUID(message["id"]), reason=reason)
        for message in state["messages"]
        if message["state"] == "speaking"
    ]


def _cut(start: MessageStart, message: transcript.State, took: timedelta) -> EventData:
    if not message["text"]:
        return MessageDiscard(message=start.message, reason="cancelled")
    return AgentMessage(
        **start.model_dump(exclude={"streaming"}),
        content=message["text"],
        token_count=message["tokens"],
        usage=Usage(),
        finish_reason="cancelled",
        duration_ms=max(0, round(took.total_seconds() * 1_000)),
    )
