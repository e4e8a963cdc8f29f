"""Frames that are sent and never stored."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from conversations.domain.enums import Mode, Status
from conversations.domain.events import EventData, dump
from conversations.domain.frames import Frame


class Hello(EventData, type="hello"):
    """The first frame. `from` is the cursor after which events follow; `recovered` is true when
    that is the cursor the client asked for. `session` names this connection."""

    head: int
    status: Status
    mode: Mode
    recovered: bool
    from_: int = Field(alias="from")
    heartbeat_seconds: float
    session: UUID


class Heartbeat(EventData, type="heartbeat"):
    head: int


class Pong(EventData, type="pong"):
    pass


class Notice(EventData, type="notice"):
    """An announcement from an operator to everyone who is connected."""

    text: str


class StreamState(StrEnum):
    """The state of a watcher's stream. `lagging`: the client receives tokens more slowly than they arrive, and gets
    whole messages until it has caught up. `paused`: by the client. `reconnecting`: the server waits for its database;
    events of the meantime are sent when it is back."""

    IDLE = "idle"
    STREAMING = "streaming"
    PAUSED = "paused"
    LAGGING = "lagging"
    RECONNECTING = "reconnecting"
    ERROR = "error"
    CLOSED = "closed"


class Stream(EventData, type="stream"):
    """The watcher's own stream has changed its state."""

    state: StreamState


WIRE_ONLY: Mapping[str, type[EventData]] = {
    model.type: model for model in (Hello, Heartbeat, Pong, Notice, Stream)
}


def wire_frame(conversation: UUID | None, event: EventData, cursor: int = 0) -> Frame:
    """A frame of an event that is not in the log, sent after event `cursor`."""
    return Frame(cursor, event.type, conversation, datetime.now(UTC), dump(event), cursor)
