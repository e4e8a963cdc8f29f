"""Following a conversation: every event after a cursor, once, in order, to the terminal status."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from conversations.domain.frames import Frame
from conversations.event_log.queries import Position
from streaming.hub.reader import ConversationReader, reading


@dataclass(frozen=True)
class Subscription:
    """A place in a conversation, from which to read on. It holds a cursor and no queue, so a slow reader costs nothing.

    Recovery is all or nothing: with `recovered` the events after the cursor asked for follow; without, all from 1."""

    position: Position
    start: int
    recovered: bool
    reader: ConversationReader

    async def batches(self) -> AsyncGenerator[Sequence[Frame], None]:
        """A frame for each event after `start`, in order, as many at a time as there are; ends after the terminal
        status."""
        cursor = self.start
        while frames := await self.reader.after(cursor):
            yield frames
            cursor = frames[-1].seq
            if frames[-1].is_last:
                return


@asynccontextmanager
async def subscribe(conversation: UUID, after: int) -> AsyncIterator[Subscription]:
    """Watch from the cursor on. The caller has asked `access` before. Raises NotFound."""
    async with reading(conversation) as reader:
        # The reader's own look at the log serves all who come: a thousand who come back at once are no thousand reads.
        position = await reader.joined()
        if after > position.head:
            # It may come from another process, whose ring has not reached us.
            position = await reader.refreshed()
        # A cursor the log never reached is not ours: another database's, or a made-up one.
        recovered = after <= position.head
        yield Subscription(position, after if recovered else 0, recovered, reader)


async def follow(conversation: UUID, after: int = 0) -> AsyncGenerator[Frame, None]:
    """Each event after the cursor, once, in order, to the terminal status."""
    async with subscribe(conversation, after) as subscription:
        async for frames in subscription.batches():
            for frame in frames:
                yield frame
