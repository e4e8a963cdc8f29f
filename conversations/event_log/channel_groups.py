"""Receiving a channel group's messages for as long as a task lives, through faults of the channel layer."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NoReturn

from channels.layers import get_channel_layer

from conversations.infrastructure.availability import CHANNEL_LAYER

# Before joining again after a fault of the channel layer.
RETRY_SECONDS = 1.0
# For leaving a group while the layer may be unavailable.
LEAVE_SECONDS = 2.0
# A group without members.
NOBODY = "nobody"


async def listen(
    group: str, take: Callable[[dict[str, Any]], None], joined: Callable[[], None] = lambda: None
) -> NoReturn:
    """Call `take` with each message to the group, and `joined` each time the group has been joined: messages sent
    before were missed. Ends with its task only."""
    layer: Any = get_channel_layer()
    failed = False
    while True:
        channel = None
        try:
            if failed:
                await require_answer(layer)
            channel = await layer.new_channel()
            await layer.group_add(group, channel)
            CHANNEL_LAYER.worked("listen")
            joined()
            while True:
                take(await layer.receive(channel))
        except Exception as failure:
            failed = True
            CHANNEL_LAYER.failed("listen", failure, group=group)
        finally:
            if channel is not None:
                await _leave(layer, group, channel)
        await asyncio.sleep(RETRY_SECONDS)


async def require_answer(layer: Any) -> None:
    """Raises what the layer raises where it is unavailable. Ask before making a channel: one that cannot be made stays
    in the layer's memory, and one a second would fill it."""
    await layer.group_send(NOBODY, {"type": "probe"})


async def _leave(layer: Any, group: str, channel: str) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(LEAVE_SECONDS):
            await layer.group_discard(group, channel)
