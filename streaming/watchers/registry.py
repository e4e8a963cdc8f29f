"""All watchers of this process. While there are any:

1. Once a second each watcher's `tick` is called, for heartbeats and limits.
2. Every CHECK_SECONDS their sessions, API keys and permissions are checked; watchers without a valid one are closed.
3. Operators' notices, from any process, are sent to each watcher.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.conf import settings

from conversations.access.principals import Principal
from conversations.domain.errors import LimitReached, LogUnavailable
from conversations.event_log import channel_groups
from conversations.infrastructure import database
from conversations.infrastructure.event_loop import PerLoop
from streaming.statistics.rolling import RollingStatistics
from streaming.watchers import session_guard
from streaming.watchers.watcher import Watcher
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import Notice

logger = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
# A connection is dropped within 5 s of its session's end, even if the client does not take the close: 2.5 s to notice,
# REVOKED_SECONDS (1 s) for the close, and a tick.
CHECK_SECONDS = 2.5
# How long a stopping server waits for its clients to close.
LEAVE_SECONDS = 2.0
# The channel layer's group for notices, which every process joins.
GROUP = "watchers"
# Characters in a notice.
MAX_NOTICE = 1_000


class Registry:
    """The watchers of one event loop. Get it from `registry`. `closing` is the reason with which new watchers are
    closed at once while the server stops; None while it takes them."""

    def __init__(self) -> None:
        self.watchers: dict[UUID, Watcher] = {}
        self.statistics = RollingStatistics(self.watchers)
        self._of_users: Counter[Any] = Counter()
        self.closing: Close | None = None
        self._left = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def require_room(self, principal: Principal) -> None:
        """Raises LimitReached if the user has as many connections in this process as are allowed at once."""
        most = settings.OUTCRY_MAX_CONNECTIONS_PER_USER
        if self._of_users[principal.user.pk] >= most:
            raise LimitReached(f"You have {most} connections open, and no more are allowed at once.")

    def add(self, watcher: Watcher) -> None:
        self.watchers[watcher.id] = watcher
        self._of_users[watcher.principal.user.pk] += 1
        logger.info("watcher_joined", **_log_fields(watcher))
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(work()) for work in (self._tick, self._check_sessions, self._listen)
            ]
        if self.closing is not None:
            # Its handshake began before `close_all`, which did not see it.
            watcher.end(self.closing)

    def remove(self, watcher: Watcher) -> None:
        if self.watchers.pop(watcher.id, None) is not None:
            self._of_users[watcher.principal.user.pk] -= 1
            if not self._of_users[watcher.principal.user.pk]:
                del self._of_users[watcher.principal.user.pk]
            logger.info(
                "watcher_left",
                **_log_fields(watcher),
                conversation=None if watcher.conversation is None else str(watcher.conversation),
                cursor=watcher.cursor,
                code=watcher.left,
                seconds=round((datetime.now(UTC) - watcher.started).total_seconds(), 1),
                tokens=watcher.tokens,
            )
        self._left.set()
        self._left.clear()
        if not self.watchers:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()

    async def close_all(self, reason: Close) -> None:
        """Close every watcher, and from now on every new one; wait at most LEAVE_SECONDS for them to go."""
        self.closing = reason
        for watcher in (*self.watchers.values(),):
            watcher.end(reason)
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
                    # A defect in one watcher must not end the heartbeats of all.
                    logger.exception("watcher_not_ticked", watcher=str(watcher.id))

    async def _check_sessions(self) -> None:
        while True:
            await asyncio.sleep(min(CHECK_SECONDS, settings.OUTCRY_HEARTBEAT_SECONDS))
            watching = {
                (watcher.principal, watcher.conversation)
                for watcher in self.watchers.values()
                if watcher.closed is None
            }
            try:
                verdicts = await database.call(session_guard.refused, [*watching])
            except LogUnavailable:
                # While the database is unavailable, no watcher is closed.
                continue
            except Exception:
                # The next check may succeed.
                logger.warning("sessions_not_checked", exc_info=True)
                continue
            if verdicts:
                for watcher in (*self.watchers.values(),):
                    reason = verdicts.get((watcher.principal, watcher.conversation))
                    if reason is not None:
                        watcher.end(reason)

    async def _listen(self) -> None:
        await channel_groups.listen(GROUP, self._notify_all)

    def _notify_all(self, message: Mapping[str, Any]) -> None:
        for watcher in (*self.watchers.values(),):
            watcher.notify(Notice(text=message["text"]))


def _log_fields(watcher: Watcher) -> dict[str, Any]:
    """The fields of a log line that identify the connection, without names, sessions or the debate's text."""
    return {"watcher": str(watcher.id), "user": watcher.principal.user.pk, "transport": watcher.transport}


_registries = PerLoop(Registry)


def registry() -> Registry:
    return _registries.here()


async def broadcast(text: str) -> None:
    """Send a notice to every client of every process."""
    layer: Any = get_channel_layer()
    await layer.group_send(GROUP, {"type": "notice", "text": text})
