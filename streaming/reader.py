"""One reader a conversation and process: it takes the group's rings and repairs what they leave out.

Position first, state second: the group is joined before the head is read, so nothing falls between. What a ring
carries is used where it continues exactly at the head; anything else is read from the log.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from channels.layers import get_channel_layer
from django.db import DatabaseError

from conversations import bell, database, log
from conversations.errors import NotFound
from conversations.events import TERMINAL, Entry
from conversations.log import Position
from streaming.window import Window

logger = structlog.get_logger(__name__)

# How often the head is looked at when no ring comes: a lost ring is repaired no later.
POLL_SECONDS = 1.0
# Entries read from the log at once.
PAGE = 500

Ring = dict[str, Any]


class Reader:
    """What a conversation's watchers in this process share. Get it from `reading`."""

    def __init__(self, conversation: UUID) -> None:
        self.conversation = conversation
        self.watchers = 0
        self._window: Window | None = None
        self._ended = False
        self._failure: NotFound | None = None
        self._changed = asyncio.Event()
        self._pages: dict[int, asyncio.Task[list[Entry]]] = {}
        self._layer: Any = get_channel_layer()
        self._channel: str | None = None
        self._ringing: asyncio.Task[None] | None = None
        self._rung = False
        self._task = asyncio.create_task(self._read())

    async def head(self) -> int:
        """The newest seq this reader knows of, once it has joined. Raises NotFound."""
        while self._window is None:
            if self._failure is not None:
                raise self._failure
            await self._changed.wait()
        return self._window.head

    @property
    def known_head(self) -> int:
        """The newest seq this reader knows of; 0 before it has joined."""
        return 0 if self._window is None else self._window.head

    async def after(self, cursor: int) -> Sequence[Entry]:
        """The entries that follow the cursor, as soon as there is one; empty when the conversation has ended there."""
        await self.head()
        assert self._window is not None  # noqa: S101 (head() waits for it)
        while True:
            entries = self._window.after(cursor)
            if entries is None:
                entries = await self._page(cursor)
            if entries or self._ended:
                return entries
            await self._changed.wait()

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _page(self, cursor: int) -> list[Entry]:
        while True:
            # Watchers that stand at the same cursor share one look into the log.
            if cursor not in self._pages:
                self._pages[cursor] = asyncio.create_task(
                    database.run(log.read, self.conversation, cursor, PAGE)
                )
                self._pages[cursor].add_done_callback(lambda _: self._pages.pop(cursor))
            try:
                return await asyncio.shield(self._pages[cursor])
            except DatabaseError:
                logger.warning("page_not_read", conversation=str(self.conversation), exc_info=True)
                await asyncio.sleep(POLL_SECONDS)

    async def _read(self) -> None:
        try:
            while not self._ended:
                try:
                    await self._join()
                    await self._repair()
                    await self._listen()
                except NotFound as failure:
                    self._failure = failure
                    self._wake()
                    return
                except Exception:
                    # The database or the channel layer is away: watchers wait, and nothing is lost.
                    logger.warning("reader_failed", conversation=str(self.conversation), exc_info=True)
                    await self._leave()
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            await self._leave()

    async def _join(self) -> None:
        if self._channel is None:
            channel = await self._layer.new_channel()
            await self._layer.group_add(bell.group_name(self.conversation), channel)
            self._channel = channel

    async def _leave(self) -> None:
        ringing, self._ringing = self._ringing, None
        if ringing is not None:
            ringing.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await ringing
        channel, self._channel = self._channel, None
        if channel is not None:
            with contextlib.suppress(Exception):
                await self._layer.group_discard(bell.group_name(self.conversation), channel)

    async def _listen(self) -> None:
        """Take rings, and look at the head whenever none has come for a while."""
        # A task of its own that is never timed out: a cancelled receive() takes the channel out of its group.
        self._ringing = asyncio.create_task(self._take_rings())
        while not self._ended:
            self._rung = False
            done, _ = await asyncio.wait({self._ringing}, timeout=POLL_SECONDS)
            if done:
                await self._ringing
            elif not self._rung:
                await self._repair()

    async def _take_rings(self) -> None:
        while not self._ended:
            ring: Ring = await self._layer.receive(self._channel)
            self._rung = True
            await self._take(ring)

    async def _take(self, ring: Ring) -> None:
        assert self._window is not None  # noqa: S101 (the first repair made it)
        head = self._window.head
        if ring["head"] <= head:
            return
        known = max(0, head + 1 - ring["first"])
        frames = ring["frames"][known:]
        if ring["first"] <= head + 1 and frames:
            numbered = enumerate(zip(ring["types"][known:], frames, strict=True), head + 1)
            self._add([Entry(seq, type_, frame) for seq, (type_, frame) in numbered])
        else:
            await self._repair()

    async def _repair(self) -> None:
        """Bring the window to the log's head."""
        position: Position = await database.run(log.position, self.conversation)
        if self._window is None:
            self._window = Window(position.head)
            self._ended = position.status in TERMINAL
            self._wake()
        while self._window.head < position.head:
            self._add(await database.run(log.read, self.conversation, self._window.head, PAGE))

    def _add(self, entries: Sequence[Entry]) -> None:
        assert self._window is not None  # noqa: S101
        # A ring and a look into the log may bring the same entries.
        new = entries[max(0, self._window.head + 1 - entries[0].seq) :] if entries else entries
        if new:
            self._window.add(new)
            self._ended = self._ended or new[-1].is_last
            self._wake()

    def _wake(self) -> None:
        # Those who wait now are woken; who comes later looks first.
        self._changed.set()
        self._changed.clear()


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[UUID, Reader]] = WeakKeyDictionary()


@asynccontextmanager
async def reading(conversation: UUID) -> AsyncIterator[Reader]:
    """The conversation's reader, shared by all who watch it in this event loop, kept while one of them does."""
    readers = _readers.setdefault(asyncio.get_running_loop(), {})
    reader = readers.get(conversation)
    if reader is None:
        reader = readers[conversation] = Reader(conversation)
    reader.watchers += 1
    try:
        yield reader
    finally:
        reader.watchers -= 1
        if reader.watchers == 0:
            del readers[conversation]
            await reader.stop()
