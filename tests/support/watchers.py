"""Watchers for tests: real ones on the real log and reader, whose connection a test holds in its hand."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from conversations.access.principals import Principal
from conversations.domain import transcript
from conversations.domain.frames import Frame
from streaming.hub.subscription import subscribe
from streaming.watchers.watcher import Watcher
from streaming.wire.close_codes import Close
from tests.fakes.waiting import PATIENCE_SECONDS, Signal
from tests.support.frames import fold_frames

PRINCIPAL = Principal(User(pk=1, username="alice"), session="session", stamp="stamp")


class Line:
    """A connection and the client behind it. It has room unless `hold` was called; `after` gives what a client folds.

    `written` is every frame that was handed over, with the loop's time; `waiting` is whether one waits for room."""

    def __init__(self, waits: Callable[[], bool] = lambda: False) -> None:
        self.written: list[tuple[float, Frame]] = []
        self.closed: Close | None = None
        self.aborts = 0
        self.signal = Signal()
        self.gone: Exception | None = None
        # Frames that were handed over while an earlier one had not been taken.
        self.early = 0
        self._holding = False
        self._waits = waits
        self._room: asyncio.Future[None] | None = None

    # The connection writer

    def write(self, frame: Frame) -> "asyncio.Future[None] | None":
        assert self.closed is None, "nothing is sent after the close"
        if self.gone is not None:
            raise self.gone
        self.early += self.waiting
        loop = asyncio.get_running_loop()
        self.written.append((loop.time(), frame))
        self.signal.notify()
        if self._holding or self._waits():
            self._room = loop.create_future()
            if not self._holding:
                loop.call_soon(self._make_room, self._room)
            return self._room
        return None

    def abort(self) -> None:
        self.aborts += 1

    # The server's buffer for the client.
    unread = 0

    def close(self, why: Close) -> None:
        self.closed = why
        self.signal.notify()

    # The test's hand

    @property
    def waiting(self) -> bool:
        return self._room is not None and not self._room.done()

    def hold(self) -> None:
        self._holding = True

    def release(self) -> None:
        self._holding = False
        if self._room is not None:
            self._make_room(self._room)

    @staticmethod
    def _make_room(room: "asyncio.Future[None]") -> None:
        if not room.done():
            room.set_result(None)

    # What has come

    @property
    def frames(self) -> list[Frame]:
        """Those that are in the log."""
        return [frame for _, frame in self.written if json.loads(frame.text)["seq"] is not None]

    @property
    def told(self) -> list[dict[str, Any]]:
        """Those that are not, decoded."""
        return [said for said in (json.loads(frame.text) for _, frame in self.written) if said["seq"] is None]

    @property
    def types(self) -> list[str]:
        return [frame.type for frame in self.frames]

    def states(self) -> list[str]:
        return [said["data"]["state"] for said in self.told if said["type"] == "stream"]

    def after(self, before: transcript.State | None = None) -> transcript.State:
        return fold_frames((json.loads(frame.text) for frame in self.frames), before)

    async def to_the_close(self, seconds: float | None = PATIENCE_SECONDS) -> None:
        """Raises TimeoutError."""
        await self.signal.until(lambda: self.closed, seconds)

    async def until(self, true: Callable[[], object]) -> None:
        await self.signal.until(true)


@asynccontextmanager
async def watching(
    conversation: UUID, line: Line, after: int = 0, rate: float | None = None
) -> AsyncIterator[Watcher]:
    """A watcher that follows the conversation over the line."""
    watcher = Watcher(PRINCIPAL, "test", line, line.close, rate)
    async with subscribe(conversation, after) as subscription:
        watcher.follow(subscription)
        try:
            yield watcher
        finally:
            watcher.leave()


async def reached(watcher: Watcher, line: Line, seq: int) -> None:
    """Return once the watcher has been handed everything up to `seq`."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await line.until(lambda: watcher.cursor >= seq or (line.frames[-1:] and line.frames[-1].seq >= seq))


def sometimes(die: random.Random, part: float) -> Callable[[], bool]:
    return lambda: die.random() < part
