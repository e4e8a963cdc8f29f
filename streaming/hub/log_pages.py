"""Reading one conversation's log, for all its watchers in this process."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar
from uuid import UUID

from conversations.domain.errors import LogUnavailable
from conversations.domain.frames import Frame, condense
from conversations.event_log import queries
from conversations.infrastructure import database
from streaming.statistics import counters

T = TypeVar("T")

# Events in a page; how many pages are cached for other watchers that are behind, and for how long.
PAGE = 500
KEPT_PAGES = 16
KEPT_SECONDS = 10.0
# A query that takes longer means that the database is unavailable.
SLOW_QUERY_SECONDS = 2.0
RETRY_SECONDS: Final = 1.0


class LogQueries:
    """Queries of one conversation's log in database threads. `is_unavailable`: the last query failed or takes too long,
    so the log may have events that have not been read."""

    def __init__(self, conversation: UUID) -> None:
        self.is_unavailable = False
        self._conversation = conversation

    async def run(self, query: Callable[..., T], *args: int) -> T:
        """Call `query(conversation, *args)` in a database thread. Raises LogUnavailable."""
        slow = asyncio.get_running_loop().call_later(SLOW_QUERY_SECONDS, self._fail)
        try:
            answer = await database.call(query, self._conversation, *args)
        except LogUnavailable:
            self._fail()
            raise
        finally:
            slow.cancel()
        self.is_unavailable = False
        return answer

    def _fail(self) -> None:
        self.is_unavailable = True

    async def read(self, after: int) -> list[Frame]:
        """A page of events that follow `after`. Raises LogUnavailable."""
        return await self.run(queries.read, after, PAGE)


class PageCache:
    """Pages of the log, shared by the watchers that are behind, whatever their cursors."""

    def __init__(self, log: LogQueries, head: Callable[[], int]) -> None:
        self._log = log
        self._head = head
        self._pages: OrderedDict[int, asyncio.Task[list[Frame]]] = OrderedDict()
        self._condensed: dict[int, list[Frame]] = {}

    async def after(self, cursor: int) -> list[Frame]:
        """The frames of a page after the cursor: at least one unless the cursor is the head. Waits while the log is
        unavailable."""
        start = cursor - cursor % PAGE
        read: int | None = None
        while True:
            reading = self._reading(start)
            try:
                page = await asyncio.shield(reading)
            except LogUnavailable:
                self._forget(start, reading)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if len(page) < PAGE and self._head() > start + len(page):
                # More events of this page have been written since it was read.
                self._forget(start, reading)
                if len(page) == read:
                    # A second reading has found no more: the conversation was deleted, and its watchers are closed by
                    # the next check of their sessions.
                    await asyncio.sleep(RETRY_SECONDS)
                read = len(page)
                continue
            return page[cursor - start :]

    async def condensed_after(self, cursor: int) -> list[Frame]:
        """The frames of a page after the cursor, condensed. Waits while the log is unavailable."""
        if cursor not in self._condensed:
            page = await self.after(cursor)
            # Several watchers may have awaited the same page; the first of them condenses it.
            if cursor not in self._condensed:
                self._condensed[cursor] = condense(page)
        return self._condensed[cursor]

    def _reading(self, start: int) -> "asyncio.Task[list[Frame]]":
        if start not in self._pages:
            self._pages[start] = asyncio.create_task(self._read(start))
            # The timer keeps the page's number, not the page, which may have been dropped by then.
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, start)
            # A page that is still being read is kept, otherwise the next watcher would read it again.
            done = [start for start, page in self._pages.items() if page.done()]
            for oldest in done[: max(0, len(self._pages) - KEPT_PAGES)]:
                del self._pages[oldest]
        self._pages.move_to_end(start)
        return self._pages[start]

    def _forget(self, start: int, reading: "asyncio.Task[list[Frame]] | None" = None) -> None:
        self._condensed.clear()
        if reading is None or self._pages.get(start) is reading:
            self._pages.pop(start, None)

    async def _read(self, start: int) -> list[Frame]:
        counters.PAGES_READ.inc()
        return await self._log.read(start)
