"""Listening to a channel layer's group for as long as a task lives, whatever the layer does meanwhile."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NoReturn

from channels.layers import get_channel_layer

from conversations.infrastructure.availability import CHANNEL_LAYER

# After a fault of the channel layer.
RETRY_SECONDS = 1.0
# To leave a group that may be out of reach by now.
LEAVE_SECONDS = 2.0
# A group without members.
NOBODY = "nobody"


async def listen(
    group: str, take: Callable[[dict[str, Any]], None], joined: Callable[[], None] = lambda: None
) -> NoReturn:
    """Call `take` with each message to the group, and `joined` after each joining: what was sent before it was not
    heard. Ends with its task only."""
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
    """Raises what the layer does where it is away. A new channel that it cannot make stays in its memory, and one a
    second would fill that."""
    await layer.group_send(NOBODY, {"type": "probe"})


async def _leave(layer: Any, group: str, channel: str) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(LEAVE_SECONDS):
            await layer.group_discard(group, channel)
