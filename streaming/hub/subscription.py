"""Following a conversation: every event after a cursor, once, in order, to the terminal status."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from conversations.domain.frames import Frame
from conversations.event_log.queries import Position
from streaming.hub.reader import ConversationReader, reading


@dataclass(frozen=True)
class Subscription:
    """A position in a conversation from which events are read. It holds a cursor and no queue, so a slow watcher costs
    nothing.

    Recovery is all or nothing: if `recovered`, the events after the requested cursor follow, else all events from seq
    1."""

    position: Position
    start: int
    recovered: bool
    reader: ConversationReader


@asynccontextmanager
async def subscribe(conversation: UUID, after: int) -> AsyncIterator[Subscription]:
    """Subscribe to the events after the cursor. The caller has checked the access. Raises NotFound."""
    async with reading(conversation) as reader:
        # The reader's own read of the head serves all subscribers: a thousand reconnects at once make no thousand
        # queries.
        position = await reader.joined()
        if after > position.head:
            # Another process may have sent events whose announcement has not reached this one.
            position = await reader.refreshed()
        # A cursor beyond the log's head is from another database, or made up.
        recovered = after <= position.head
        yield Subscription(position, after if recovered else 0, recovered, reader)


async def follow(conversation: UUID, after: int = 0) -> AsyncGenerator[Frame, None]:
    """Each event after the cursor, once, in order, to the terminal status."""
    async with subscribe(conversation, after) as subscription:
        cursor = subscription.start
        while frames := await subscription.reader.after(cursor):
            for frame in frames:
                yield frame
            cursor = frames[-1].seq
