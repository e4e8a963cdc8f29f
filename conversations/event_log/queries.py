"""Reading a conversation's log."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from conversations.domain.errors import NotFound
from conversations.domain.frames import Frame
from conversations.models import Conversation, Event


def read(conversation: UUID, after: int, limit: int) -> list[Frame]:
    """Up to `limit` events whose seq is above `after`, in order."""
    rows = Event.objects.filter(conversation_id=conversation, seq__gt=after).order_by("seq")
    return [
        Frame.of_event(seq, type_, conversation, at, data)
        for seq, type_, at, data in rows.values_list("seq", "type", "at", "data")[:limit]
    ]


def read_all(conversation: UUID, after: int = 0) -> Iterable[tuple[int, str, dict[str, Any]]]:
    """(seq, type, data) of every event above `after`, as `transcript.fold` takes them."""
    rows = Event.objects.filter(conversation_id=conversation, seq__gt=after).order_by("seq")
    return rows.values_list("seq", "type", "data").iterator(chunk_size=1_000)


@dataclass(frozen=True)
class Position:
    """Where a conversation's log stands, and where its trace begins."""

    head: int
    status: str
    mode: str
    traceparent: str = ""


def position(conversation: UUID) -> Position:
    """The newest seq and the state that goes with it. Raises NotFound."""
    found = Conversation.objects.filter(pk=conversation)
    row = found.values_list("head", "status", "mode", "traceparent").first()
    if row is None:
        raise NotFound("There is no such conversation.")
    return Position(*row)
