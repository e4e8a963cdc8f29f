"""One reader's place in its conversation's channel group."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

from conversations.event_log import channel_groups, notifier
from conversations.infrastructure.availability import CHANNEL_LAYER

Announcement = dict[str, Any]


class GroupMembership:
    """Joins the group, passes its announcements to `take` until that returns False, and leaves the group."""

    def __init__(self, conversation: UUID, take: Callable[[Announcement], Awaitable[bool]]) -> None:
        self._group = notifier.group_name(conversation)
        self._take = take
        self._layer: Any = get_channel_layer()
        self._channel: str | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._has_received = False
        # Whether the channel layer has failed since it was last joined: announcements may have been missed.
        self.is_lost = False

    @property
    def is_joined(self) -> bool:
        return self._channel is not None

    async def join(self) -> None:
        """Join the group. Raises the layer's exception if it is unavailable."""
        if self.is_lost:
            await channel_groups.require_answer(self._layer)
        self._channel = await self._layer.new_channel()
        await self._layer.group_add(self._group, self._channel)
        self.is_lost = False
        CHANNEL_LAYER.worked("read")

    async def wait(self, seconds: float) -> bool:
        """Pass on announcements for at most so many seconds; returns whether one came. Raises exceptions of the layer
        and of `take`."""
        # A task of its own without a timeout: cancelling receive() would remove the channel from its group.
        if self._receiving is None or self._receiving.done():
            self._receiving = asyncio.create_task(self._receive())
        self._has_received = False
        done, _ = await asyncio.wait({self._receiving}, timeout=seconds)
        if done:
            await self._receiving
        return self._has_received

    async def lose(self) -> None:
        """The layer has failed: leave the group, so that `join` can join it again."""
        await self.leave()
        self.is_lost = True

    async def leave(self) -> None:
        receiving, self._receiving = self._receiving, None
        if receiving is not None:
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await receiving
        channel, self._channel = self._channel, None
        if channel is not None:
            with contextlib.suppress(Exception):
                await self._layer.group_discard(self._group, channel)

    async def _receive(self) -> None:
        goes_on = True
        while goes_on:
            announcement: Announcement = await self._layer.receive(self._channel)
            self._has_received = True
            goes_on = await self._take(announcement)
