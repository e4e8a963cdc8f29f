"""One reader a conversation and process, which all its watchers there share.

1. Join the conversation's group, and each time it has been joined, read the log's head: no event is missed in between.
2. Take announcements of new events. Frames that continue exactly at the head are used; otherwise the log is read.
3. When no announcement comes for POLL_SECONDS, read the log's head, in case one was lost.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from conversations.domain.enums import TERMINAL
from conversations.domain.errors import LogUnavailable, NotFound
from conversations.domain.frames import Frame, condense
from conversations.event_log import channel_groups, notifier, queries
from conversations.event_log.queries import Position
from conversations.infrastructure.event_loop import PerLoop
from streaming.hub.delivery_spans import DeliverySpans
from streaming.hub.fan_out import FanOut
from streaming.hub.frame_buffer import FrameBuffer
from streaming.hub.log_pages import LogQueries, PageCache
from streaming.statistics import counters

# How often the head is read when no announcement comes: the longest that a lost one delays an event.
POLL_SECONDS = 1.0


class ConversationReader:
    """Keeps a conversation's newest frames for its watchers in this process. Get it from `reading`."""

    def __init__(self, conversation: UUID) -> None:
        self.conversation = conversation
        self.users = 0
        self.position = Position(0, "", "")
        # The seq of the newest event that is not a token; at first the head at which this reader joined.
        self.last_non_token = 0
        self.spans = DeliverySpans("")
        self.log = LogQueries(conversation)
        self.pages = PageCache(self.log, lambda: self.head)
        # Pumps the watchers whenever something new is ready.
        self.fan_out = FanOut()
        # Empty until the reader has joined.
        self._buffer = FrameBuffer(0)
        self._has_joined = False
        # Cache for `ready` by cursor; cleared when the head moves.
        self._ready: dict[int, list[Frame]] = {}
        # Whether the event at the head is the terminal status.
        self.ended = False
        self._failure: NotFound | None = None
        self._changed = asyncio.Event()
        # Set when the log's head has to be read; and whether an announcement has come since the last look at it.
        self._is_due = asyncio.Event()
        self._has_heard = False
        self._refreshing: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._read())

    async def joined(self) -> Position:
        """Wait until the reader has joined; returns the newest position it knows. Raises NotFound."""
        while not self._has_joined:
            if self._failure is not None:
                raise self._failure
            await self._changed.wait()
        return self.position

    @property
    def head(self) -> int:
        """The newest seq this reader knows of; 0 before it has joined."""
        return self._buffer.head

    async def after(self, cursor: int) -> Sequence[Frame]:
        """One frame for each event after the cursor. Waits until there is one; empty if the conversation has ended at
        the cursor."""
        await self.joined()
        while True:
            frames = self._buffer.after(cursor)
            if frames is None:
                frames = await self.pages.after(cursor)
            if frames or self.ended:
                return frames
            await self._changed.wait()

    def token(self, seq: int) -> Frame | None:
        """The token `seq`, or None if it is not a token or no longer in memory."""
        newest = self._buffer.after(seq - 1)
        if not newest or newest[0].type != "token":
            return None
        return newest[0]

    def ready(self, cursor: int) -> list[Frame] | None:
        """The frames after the cursor up to the head, condensed; None if not all of them are in memory."""
        found = self._ready.get(cursor)
        if found is None:
            frames = self._buffer.after(cursor)
            if frames is None:
                return None
            found = self._ready[cursor] = condense(frames)
        return found

    async def refreshed(self) -> Position:
        """The log's present position, read from the database. Raises LogUnavailable."""
        await self.joined()
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._repair())
        await asyncio.shield(self._refreshing)
        return self.position

    async def stop(self) -> None:
        """End the reader's task, and return when it has ended."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _read(self) -> None:
        group = notifier.group_name(self.conversation)
        listening = asyncio.create_task(channel_groups.listen(group, self._take, joined=self._is_due.set))
        try:
            while not self.ended:
                self._has_heard = False
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._is_due.wait()
                await self._look()
        except NotFound as failure:
            self._failure = failure
            self._wake()
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def _look(self) -> None:
        """Read the log if it is due, or if announcements may have been lost."""
        head, is_due = self.head, self._is_due.is_set()
        self._is_due.clear()
        if self.ended or (self._has_heard and not is_due):
            return
        try:
            await self._repair()
        except LogUnavailable:
            # Watchers wait, and nothing is lost.
            self._is_due.set()
            await asyncio.sleep(POLL_SECONDS)
        counters.DROPS_REPAIRED.inc(not is_due and 0 < head < self.head)

    def _take(self, announcement: dict[str, Any]) -> None:
        """Bring the buffer up to the announced head, or have the log read if the announcement does not suffice."""
        self._has_heard = True
        head = self.head
        if not self._has_joined:
            self._is_due.set()
        elif announcement["head"] > head:
            frames = announcement["frames"][max(0, head + 1 - announcement["first"]) :]
            if announcement["first"] <= head + 1 and frames:
                self.add([_decoded(frame, self.conversation) for frame in frames])
            else:
                counters.DROPS_REPAIRED.inc()
                self._is_due.set()

    async def _repair(self) -> None:
        """Bring the buffer up to the log's head."""
        position: Position = await self.log.run(queries.position)
        if not self._has_joined:
            self._has_joined = True
            self._buffer = FrameBuffer(position.head)
            self.spans = DeliverySpans(position.traceparent)
            self.last_non_token = position.head
            self.position = position
            self.ended = position.status in TERMINAL
            self._wake()
        # Nothing is read if the conversation has been deleted since.
        while self.head < position.head and (frames := await self.log.read(self.head)):
            self.add(frames)

    def add(self, frames: Sequence[Frame]) -> None:
        """Append the frames after the head. They must continue without a gap, and may begin before the head, because an
        announcement and a poll may bring the same frames."""
        new = frames[max(0, self.head + 1 - frames[0].seq) :] if frames else frames
        if not new:
            return
        self._buffer.add(new)
        self._ready.clear()
        status, mode = self.position.status, self.position.mode
        for frame in new:
            if frame.type == "token":
                counters.TOKENS_SPOKEN.inc(frame.token_count)
                continue
            self.last_non_token = frame.seq
            if frame.type == "status":
                status, mode = frame.data["status"], frame.data["mode"]
        self.position = Position(new[-1].seq, status, mode)
        if new[-1].is_last:
            self.ended = True
            self._is_due.set()
        self._wake()
        self.fan_out.start()

    def _wake(self) -> None:
        # Wakes the tasks that wait now; later callers check the buffer before they wait.
        self._changed.set()
        self._changed.clear()


def _decoded(frame: Frame | str, conversation: UUID) -> Frame:
    # A channel layer within the process may pass the frame itself.
    return frame if isinstance(frame, Frame) else Frame.decode(frame, conversation)


_readers: PerLoop[dict[UUID, ConversationReader]] = PerLoop(dict)


def readers() -> list[ConversationReader]:
    """The readers of this event loop."""
    return [*_readers.here().values()]


@asynccontextmanager
async def reading(conversation: UUID) -> AsyncIterator[ConversationReader]:
    """The conversation's reader, shared by its watchers in this event loop, and stopped after the last one."""
    readers = _readers.here()
    reader = readers.get(conversation)
    if reader is None:
        reader = readers[conversation] = ConversationReader(conversation)
    reader.users += 1
    try:
        yield reader
    finally:
        reader.users -= 1
        if reader.users == 0:
            del readers[conversation]
            await reader.stop()
