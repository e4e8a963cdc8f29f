"""The channel layer of an installation that is one process."""

import asyncio
import contextlib
import time
from typing import Any

from channels.layers import InMemoryChannelLayer

# Expired messages and memberships do no harm for a while, because readers poll the log.
CLEAN_SECONDS = 1.0


class ProcessChannelLayer(InMemoryChannelLayer):
    """Channels' in-memory layer, at a cost that does not grow with the number of conversations.

    Like that layer it delivers at most once, and drops messages to a full channel. Messages are passed without copying,
    so senders and receivers must not change them. (Channels' own layer scans all channels and groups for every message,
    and makes a task and a deep copy for every receiver.)"""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._cleaned = 0.0

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.group_put(group, message)

    def group_put(self, group: str, message: dict[str, Any]) -> None:
        """`group_send` without waiting, in the event loop's thread. The message may hold any Python object."""
        self.require_valid_group_name(group)
        expires = time.time() + self.expiry
        for channel in tuple(self.groups.get(group, ())):
            if (queue := self.channels.get(channel)) is None:
                queue = self.channels[channel] = asyncio.Queue(maxsize=self.get_capacity(channel))
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait((expires, message))

    def _clean_expired(self) -> None:
        now = time.monotonic()
        if now - self._cleaned >= CLEAN_SECONDS:
            self._cleaned = now
            super()._clean_expired()  # type: ignore[misc]
