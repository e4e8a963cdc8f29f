"""One reader a conversation and process: it takes the group's rings and repairs what they leave out.

Position first, state second: the group is joined before the head is read, so nothing falls between. What a ring
carries is used where it continues exactly at the head; anything else is read from the log.

New frames go to the watchers in slices, so that a thousand of them do not hold up the event loop. Whoever is served
after more has come gets that, too, in as few frames as say it: like the log's commits, deliveries grow under load.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar
from uuid import UUID

from channels.layers import get_channel_layer

from conversations.domain.enums import TERMINAL
from conversations.domain.errors import LogUnavailable, NotFound
from conversations.domain.frames import Frame, condense
from conversations.event_log import channel_groups, notifier, queries
from conversations.event_log.queries import Position
from conversations.infrastructure import database
from conversations.infrastructure.availability import CHANNEL_LAYER
from conversations.infrastructure.event_loop import PerLoop
from streaming.hub.delivery_spans import DeliverySpans
from streaming.hub.frame_buffer import FrameBuffer
from streaming.statistics import counters

T = TypeVar("T")

# How often the head is looked at when no ring comes: a lost ring is repaired no later.
POLL_SECONDS = 1.0
# Frames read from the log at once, how many such pages are kept for whoever comes back next, and for how long.
PAGE = 500
KEPT_PAGES = 16
KEPT_SECONDS = 10.0
# A look into the log that takes longer has met a database that is away.
AWAY_SECONDS = 2.0
# Watchers served before the event loop gets its turn.
SLICE = 100

Ring = dict[str, Any]


class Served(Protocol):
    """A watcher, as its reader sees it."""

    def pump(self) -> None:
        """Take what `ConversationReader.ready` holds, as far as there is room. Must not raise."""


class ConversationReader:
    """What a conversation's watchers in this process share. Get it from `reading`."""

    def __init__(self, conversation: UUID) -> None:
        self.conversation = conversation
        self.users = 0
        self.position = Position(0, "", "")
        # seq of the newest event that is no token; what came before this reader counts as one.
        self.whole = 0
        self.spans = DeliverySpans("")
        self._window: FrameBuffer | None = None
        self._ended = False
        self._failure: NotFound | None = None
        self._changed = asyncio.Event()
        self._pages: OrderedDict[int, asyncio.Task[list[Frame]]] = OrderedDict()
        self._condensed: dict[int, list[Frame]] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._served: dict[Served, None] = {}
        self._due: list[Served] = []
        self._delivering = False
        self._more = False
        self._ready: dict[int, list[Frame]] = {}
        self._layer: Any = get_channel_layer()
        self._channel: str | None = None
        self._ringing: asyncio.Task[None] | None = None
        self._rung = False
        # Looks into the log under way, by the loop's time; and whether the last one failed.
        self._looks: dict[object, float] = {}
        self._failing = False
        self._unheard = False
        self._task = asyncio.create_task(self._read())

    async def joined(self) -> Position:
        """Where the log stood when it was joined, or stands by now. Raises NotFound."""
        while self._window is None:
            if self._failure is not None:
                raise self._failure
            await self._changed.wait()
        return self.position

    @property
    def head(self) -> int:
        """The newest seq this reader knows of; 0 before it has joined."""
        return 0 if self._window is None else self._window.head

    @property
    def ended(self) -> bool:
        """Whether nothing follows the head."""
        return self._ended

    @property
    def away(self) -> bool:
        """Whether the log is out of reach: what this reader has may not be all there is."""
        now = asyncio.get_running_loop().time()
        return self._failing or any(now - since > AWAY_SECONDS for since in self._looks.values())

    async def after(self, cursor: int) -> Sequence[Frame]:
        """A frame for each event that follows the cursor, as soon as there is one; empty when the conversation has
        ended there."""
        await self.joined()
        assert self._window is not None  # noqa: S101 (joined() waits for it)
        while True:
            frames = self._window.after(cursor)
            if frames is None:
                frames = await self.page(cursor)
            if frames or self._ended:
                return frames
            await self._changed.wait()

    def token(self, seq: int) -> Frame | None:
        """The token `seq`; None for anything else, and for what is not in memory any more."""
        newest = None if self._window is None else self._window.after(seq - 1)
        if not newest or newest[0].type != "token":
            return None
        return newest[0]

    def ready(self, cursor: int) -> list[Frame] | None:
        """What follows the cursor up to the head, condensed; None where that is not all in memory."""
        found = self._ready.get(cursor)
        if found is None and self._window is not None:
            frames = self._window.after(cursor)
            if frames is None:
                return None
            found = self._ready[cursor] = condense(frames)
        return found

    async def page(self, cursor: int) -> list[Frame]:
        """Frames that follow the cursor, from the log: at least one where there is one. All who are behind share these
        looks, though they stand at different cursors."""
        start = cursor - cursor % PAGE
        while True:
            reading = self._reading(start)
            try:
                page = await asyncio.shield(reading)
            except LogUnavailable:
                self._forget(start, reading)
                await asyncio.sleep(POLL_SECONDS)
                continue
            if len(page) < PAGE and self.head > start + len(page):
                # Read before all of it was written.
                self._forget(start, reading)
                continue
            return page[cursor - start :]

    async def condensed_page(self, cursor: int) -> list[Frame]:
        """The same, condensed."""
        if cursor not in self._condensed:
            page = await self.page(cursor)
            # All who came back at once have waited for the same page; the first of them has joined it.
            if cursor not in self._condensed:
                self._condensed[cursor] = condense(page)
        return self._condensed[cursor]

    def _reading(self, start: int) -> "asyncio.Task[list[Frame]]":
        if start not in self._pages:
            self._pages[start] = asyncio.create_task(self._read_page(start))
            # Not the page itself: a timer would keep one that is kept no longer.
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, start)
            # One that is still being read stays: whoever comes next would read it again.
            done = [start for start, page in self._pages.items() if page.done()]
            for oldest in done[: max(0, len(self._pages) - KEPT_PAGES)]:
                del self._pages[oldest]
        self._pages.move_to_end(start)
        return self._pages[start]

    def _forget(self, start: int, reading: "asyncio.Task[list[Frame]] | None" = None) -> None:
        self._condensed.clear()
        if reading is None or self._pages.get(start) is reading:
            self._pages.pop(start, None)

    async def _read_page(self, start: int) -> list[Frame]:
        counters.PAGES_READ.inc()
        return await self._ask(queries.read, start, PAGE)

    async def _ask(self, function: Callable[..., T], *args: int) -> T:
        """What the log says of the conversation."""
        look = object()
        self._looks[look] = asyncio.get_running_loop().time()
        try:
            answer = await database.call(function, self.conversation, *args)
        except LogUnavailable:
            self._failing = True
            raise
        finally:
            del self._looks[look]
        self._failing = False
        return answer

    async def refreshed(self) -> Position:
        """Where the log stands now, whatever the channel layer has said. Raises LogUnavailable."""
        await self.joined()
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._repair())
        await asyncio.shield(self._refreshing)
        return self.position

    def serve(self, watcher: Served) -> None:
        """From now on, pump the watcher whenever something new is ready."""
        self._served[watcher] = None

    def dismiss(self, watcher: Served) -> None:
        self._served.pop(watcher, None)

    def _deliver(self) -> None:
        """Serve the next slice of those who are due."""
        if not self._due:
            if not self._more:
                self._delivering = False
                return
            self._more = False
            self._due = [*self._served]
        for _ in range(min(SLICE, len(self._due))):
            self._due.pop().pump()
        asyncio.get_running_loop().call_soon(self._deliver)

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

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
                except LogUnavailable:
                    # Watchers wait, and nothing is lost. The group is kept: rings may be heard before the log is read.
                    await asyncio.sleep(POLL_SECONDS)
                except Exception as failure:
                    CHANNEL_LAYER.failed("read", failure, conversation=str(self.conversation))
                    await self._leave()
                    self._unheard = True
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            await self._leave()

    async def _join(self) -> None:
        if self._channel is not None:
            return
        if self._unheard:
            # What is written meanwhile comes by looking, be it a little later.
            await self._repair()
            await channel_groups.require_answer(self._layer)
        self._channel = await self._layer.new_channel()
        await self._layer.group_add(notifier.group_name(self.conversation), self._channel)
        self._unheard = False
        CHANNEL_LAYER.worked("read")

    async def _leave(self) -> None:
        ringing, self._ringing = self._ringing, None
        if ringing is not None:
            ringing.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await ringing
        channel, self._channel = self._channel, None
        if channel is not None:
            with contextlib.suppress(Exception):
                await self._layer.group_discard(notifier.group_name(self.conversation), channel)

    async def _listen(self) -> None:
        """Take rings, and look at the head whenever none has come for a while."""
        # A task of its own that is never timed out: a cancelled receive() takes the channel out of its group.
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._take_rings())
        while not self._ended:
            self._rung = False
            done, _ = await asyncio.wait({self._ringing}, timeout=POLL_SECONDS)
            if done:
                await self._ringing
            elif not self._rung:
                head = self.head
                await self._repair()
                counters.DROPS_REPAIRED.inc(self.head > head)

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
            self._add(
                [
                    frame if isinstance(frame, Frame) else Frame.decode(frame, self.conversation)
                    for frame in frames
                ]
            )
        else:
            counters.DROPS_REPAIRED.inc()
            await self._repair()

    async def _repair(self) -> None:
        """Bring the window to the log's head."""
        position: Position = await self._ask(queries.position)
        if self._window is None:
            self._window = FrameBuffer(position.head)
            self.spans = DeliverySpans(position.traceparent)
            self.whole = position.head
            self.position = position
            self._ended = position.status in TERMINAL
            self._wake()
        while self._window.head < position.head:
            self._add(await self._ask(queries.read, self._window.head, PAGE))

    def _add(self, frames: Sequence[Frame]) -> None:
        assert self._window is not None  # noqa: S101
        # A ring and a look into the log may bring the same frames.
        new = frames[max(0, self._window.head + 1 - frames[0].seq) :] if frames else frames
        if not new:
            return
        self._window.add(new)
        self._ready.clear()
        status, mode = self.position.status, self.position.mode
        for frame in new:
            if frame.type == "token":
                counters.TOKENS_SPOKEN.inc(frame.token_count)
                continue
            self.whole = frame.seq
            if frame.type == "status":
                status, mode = frame.data["status"], frame.data["mode"]
        self.position = Position(new[-1].seq, status, mode)
        self._ended = self._ended or new[-1].is_last
        self._wake()
        self._more = True
        if not self._delivering:
            self._delivering = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _wake(self) -> None:
        # Those who wait now are woken; who comes later looks first.
        self._changed.set()
        self._changed.clear()


_readers: PerLoop[dict[UUID, ConversationReader]] = PerLoop(dict)


def readers() -> list[ConversationReader]:
    """The readers of this event loop."""
    return [*_readers.here().values()]


@asynccontextmanager
async def reading(conversation: UUID) -> AsyncIterator[ConversationReader]:
    """The conversation's reader, shared by all who watch it in this event loop, kept while one of them does."""
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
