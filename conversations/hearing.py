"""How a run hears that people have told its conversation something: at once within its process, and from others
through the channel layer.

A call says nothing itself, and may be lost or come twice: what was told stands in the log.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from channels.layers import get_channel_layer

logger = structlog.get_logger(__name__)

# After a fault of the channel layer; a call that it loses is repaired by the run's heartbeat.
RETRY_SECONDS = 1.0
# To leave a group that may be out of reach by now.
LEAVE_SECONDS = 2.0

# Who runs what in this process.
_ears: defaultdict[UUID, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(set)
_tasks: set["asyncio.Task[None]"] = set()


def group_name(conversation: UUID) -> str:
    """The channel layer group of the conversation's run."""
    return f"commands_{conversation.hex}"


def call(conversation: UUID) -> None:
    """Have the conversation's run look into its log, in whichever process it is; returns at once."""
    call_here(conversation)
    task = asyncio.get_running_loop().create_task(_call_elsewhere(conversation))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def call_here(conversation: UUID) -> None:
    """The same for a run of this process, in any of its event loops."""
    for loop, called in (*_ears.get(conversation, ()),):
        # A loop that is gone runs nothing any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(called.set)


async def _call_elsewhere(conversation: UUID) -> None:
    layer: Any = get_channel_layer()
    try:
        await layer.group_send(group_name(conversation), {"type": "run.called"})
    except Exception:
        # The run looks into its log at its next heartbeat.
        logger.warning("run_not_called", conversation=str(conversation), exc_info=True)


@asynccontextmanager
async def listening(conversation: UUID) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever the conversation's run is called; who waits for it clears it."""
    called = asyncio.Event()
    ear = (asyncio.get_running_loop(), called)
    _ears[conversation].add(ear)
    task = asyncio.create_task(_listen(conversation, called))
    try:
        yield called
    finally:
        _ears[conversation].discard(ear)
        if not _ears[conversation]:
            del _ears[conversation]
        task.cancel()
        await asyncio.wait([task])


async def _listen(conversation: UUID, called: asyncio.Event) -> None:
    layer: Any = get_channel_layer()
    while True:
        channel = None
        try:
            channel = await layer.new_channel()
            await layer.group_add(group_name(conversation), channel)
            # What was told before we joined was not heard.
            called.set()
            while True:
                await layer.receive(channel)
                called.set()
        except Exception:
            logger.warning("run_not_listening", exc_info=True)
        finally:
            if channel is not None:
                await _leave(layer, group_name(conversation), channel)
        await asyncio.sleep(RETRY_SECONDS)


async def _leave(layer: Any, group: str, channel: str) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(LEAVE_SECONDS):
            await layer.group_discard(group, channel)
