"""Listening to a channel layer's group for as long as a task lives, whatever the layer does meanwhile."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NoReturn

import structlog
from channels.layers import get_channel_layer

logger = structlog.get_logger(__name__)

# After a fault of the channel layer.
RETRY_SECONDS = 1.0
# To leave a group that may be out of reach by now.
LEAVE_SECONDS = 2.0


async def listen(
    group: str, take: Callable[[dict[str, Any]], None], joined: Callable[[], None] = lambda: None
) -> NoReturn:
    """Call `take` with each message to the group, and `joined` after each joining: what was sent before it was not
    heard. Ends with its task only."""
    layer: Any = get_channel_layer()
    while True:
        channel = None
        try:
            channel = await layer.new_channel()
            await layer.group_add(group, channel)
            joined()
            while True:
                take(await layer.receive(channel))
        except Exception:
            logger.warning("group_not_heard", group=group, exc_info=True)
        finally:
            if channel is not None:
                await _leave(layer, group, channel)
        await asyncio.sleep(RETRY_SECONDS)


async def _leave(layer: Any, group: str, channel: str) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(LEAVE_SECONDS):
            await layer.group_discard(group, channel)
