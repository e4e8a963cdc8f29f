"""Receiving a channel group's messages until the task is cancelled, despite outages of the channel layer."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NoReturn

from channels.layers import get_channel_layer

from conversations.infrastructure.availability import CHANNEL_LAYER

# Pause before joining again after a failure of the channel layer.
RETRY_SECONDS = 1.0
# Timeout of sending one message. It also bounds how many frames wait behind an announcement.
SEND_SECONDS = 5.0
# Timeout of leaving a group: the layer may be unavailable.
LEAVE_SECONDS = 2.0
# A group without members.
NOBODY = "nobody"


async def listen(
    group: str, take: Callable[[dict[str, Any]], None], joined: Callable[[], None] = lambda: None
) -> NoReturn:
    """Call `take` with each message to the group. Call `joined` each time the group has been joined, since earlier
    messages were missed. Runs until its task is cancelled."""
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


async def send(group: str, message: dict[str, Any], use: str) -> bool:
    """Send a message to the group; whether the layer took it. Its outages are logged under the name `use`."""
    layer: Any = get_channel_layer()
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await layer.group_send(group, message)
    except Exception as failure:
        CHANNEL_LAYER.failed(use, failure)
        return False
    CHANNEL_LAYER.worked(use)
    return True


async def require_answer(layer: Any) -> None:
    """Raises the layer's exception if it is unavailable. Call it before `new_channel`, which would leave an entry in
    the layer's memory at each failed attempt, one a second."""
    await layer.group_send(NOBODY, {"type": "probe"})


async def _leave(layer: Any, group: str, channel: str) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(LEAVE_SECONDS):
            await layer.group_discard(group, channel)
