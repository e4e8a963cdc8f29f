"""All watchers of this process, and what time does to them: heartbeats, limits, sessions that end, words to all."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.conf import settings

from conversations.domain.errors import LogUnavailable
from conversations.event_log import channel_groups
from conversations.infrastructure import database
from conversations.infrastructure.event_loop import PerLoop
from streaming.statistics.rolling import RollingStatistics
from streaming.watchers import session_guard
from streaming.watchers.watcher import Watcher
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import Notice

logger = structlog.get_logger(__name__)

# How often the clocks of the watchers are looked at.
TICK_SECONDS = 1.0
# How often sessions and rights are looked at. What a key or session had opened is closed within 5 seconds of its end,
# also where the client takes not even the close: this, a second for the close, and a tick.
LOOK_SECONDS = 2.5
# How long a closing server waits for its clients to take the close.
LEAVE_SECONDS = 2.0
# Where an operator's words go, in every process.
GROUP = "watchers"
# What a notice may hold, in characters.
MAX_NOTICE = 1_000


class Registry:
    """The watchers of one event loop. Get it from `registry`."""

    def __init__(self) -> None:
        self.watchers: dict[UUID, Watcher] = {}
        self.statistics = RollingStatistics(self.watchers)
        self._left = asyncio.Event()
        # Why whoever comes is sent away at once; None while they may stay.
        self.closing: Close | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, watcher: Watcher) -> None:
        self.watchers[watcher.id] = watcher
        logger.info("watcher_joined", **_named(watcher))
        if not self._tasks:
            self._tasks = [asyncio.create_task(work()) for work in (self._tick, self._look, self._listen)]
        if self.closing is not None:
            # Asked for before the end began; nobody else would end it.
            watcher.end(self.closing)

    def remove(self, watcher: Watcher) -> None:
        if self.watchers.pop(watcher.id, None) is not None:
            _say_left(watcher)
        self._left.set()
        self._left.clear()
        if not self.watchers:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()

    async def close_all(self, why: Close) -> None:
        """Send every client away, and whoever still comes; wait a moment for them to go."""
        self.closing = why
        for watcher in (*self.watchers.values(),):
            watcher.end(why)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                while self.watchers:
                    await self._left.wait()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(TICK_SECONDS, settings.OUTCRY_HEARTBEAT_SECONDS / 2))
            for watcher in (*self.watchers.values(),):
                try:
                    watcher.tick(loop.time())
                except Exception:
                    # One fault must not end the heartbeats of all.
                    logger.exception("watcher_not_ticked", watcher=str(watcher.id))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, settings.OUTCRY_HEARTBEAT_SECONDS))
            watching = {
                (watcher.principal, watcher.conversation)
                for watcher in self.watchers.values()
                if watcher.closed is None
            }
            try:
                verdicts = await database.call(session_guard.refused, [*watching])
            except LogUnavailable:
                # Who was let in stays in while nobody can be asked.
                continue
            except Exception:
                # Whatever it was, they are asked again.
                logger.warning("sessions_not_checked", exc_info=True)
                continue
            if verdicts:
                for watcher in (*self.watchers.values(),):
                    why = verdicts.get((watcher.principal, watcher.conversation))
                    if why is not None:
                        watcher.end(why)

    async def _listen(self) -> None:
        """Take what operators say, in whichever process."""
        await channel_groups.listen(GROUP, lambda message: self._say(message["text"]))

    def _say(self, text: str) -> None:
        for watcher in (*self.watchers.values(),):
            watcher.notify(Notice(text=text))


def _named(watcher: Watcher) -> dict[str, Any]:
    """Whose connection it is, for a line of the log: never by a name, a session or what was said."""
    return {"watcher": str(watcher.id), "user": watcher.principal.user.pk, "transport": watcher.transport}


def _say_left(watcher: Watcher) -> None:
    logger.info(
        "watcher_left",
        **_named(watcher),
        conversation=None if watcher.conversation is None else str(watcher.conversation),
        cursor=watcher.cursor,
        code=watcher.left,
        seconds=round((datetime.now(UTC) - watcher.started).total_seconds(), 1),
        tokens=watcher.tokens,
    )


_registries = PerLoop(Registry)


def registry() -> Registry:
    """The registry of the running event loop."""
    return _registries.here()


async def broadcast(text: str) -> None:
    """Say something to everybody who is connected, to whichever process."""
    layer: Any = get_channel_layer()
    await layer.group_send(GROUP, {"type": "notice", "text": text})
