"""Following a conversation: every event after a cursor, once, in order, to the terminal status."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from conversations import database, log
from conversations.events import Entry
from conversations.log import Position
from streaming.reader import Reader, reading


@dataclass(frozen=True)
class Subscription:
    """A watcher's place in a conversation. It holds a cursor and no queue, so a slow watcher costs no memory of ours;
    what the server has been handed and the network has not taken is the server's.

    Recovery is all or nothing: with `recovered` the events after the cursor asked for follow; without, all from 1."""

    position: Position
    start: int
    recovered: bool
    _reader: Reader

    @property
    def head(self) -> int:
        """The newest seq known by now."""
        return self._reader.known_head

    async def batches(self) -> AsyncGenerator[Sequence[Entry], None]:
        """The events after `start`, in order, each once, as many at a time as there are; ends after the terminal
        status."""
        cursor = self.start
        while entries := await self._reader.after(cursor):
            yield entries
            cursor = entries[-1].seq
            if entries[-1].is_last:
                return


@asynccontextmanager
async def subscribe(conversation: UUID, after: int) -> AsyncIterator[Subscription]:
    """Watch from the cursor on. The caller has asked `access` before. Raises NotFound."""
    async with reading(conversation) as reader:
        await reader.head()
        position = await database.run(log.position, conversation)
        # A cursor the log never reached is not ours: another database's, or a made-up one.
        recovered = after <= position.head
        yield Subscription(position, after if recovered else 0, recovered, reader)


async def follow(conversation: UUID, after: int = 0) -> AsyncGenerator[Entry, None]:
    """Each event after the cursor, once, in order, to the terminal status."""
    async with subscribe(conversation, after) as subscription:
        async for entries in subscription.batches():
            for entry in entries:
                yield entry
