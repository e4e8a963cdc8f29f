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

from channels.layers import get_channel_layer

from conversations.event_log import channel_groups
from conversations.infrastructure.availability import CHANNEL_LAYER
from conversations.infrastructure.event_loop import BackgroundTasks

# A layer that takes longer for one call is away.
CALL_SECONDS = 5.0

# Who runs what in this process.
_ears: defaultdict[UUID, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(set)
tasks = BackgroundTasks()


def group_name(conversation: UUID) -> str:
    """The channel layer group of the conversation's run."""
    return f"commands_{conversation.hex}"


def call(conversation: UUID) -> None:
    """Have the conversation's run look into its log, in whichever process it is; returns at once."""
    call_here(conversation)
    tasks.spawn(_call_elsewhere(conversation))


def call_here(conversation: UUID) -> None:
    """The same for a run of this process, in any of its event loops."""
    for loop, called in (*_ears.get(conversation, ()),):
        # A loop that is gone runs nothing any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(called.set)


async def _call_elsewhere(conversation: UUID) -> None:
    layer: Any = get_channel_layer()
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await layer.group_send(group_name(conversation), {"type": "run.called"})
        CHANNEL_LAYER.worked("call")
    except Exception as failure:
        # The run looks into its log at its next heartbeat.
        CHANNEL_LAYER.failed("call", failure)


@asynccontextmanager
async def listening(conversation: UUID) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever the conversation's run is called; who waits for it clears it."""
    called = asyncio.Event()
    ear = (asyncio.get_running_loop(), called)
    _ears[conversation].add(ear)
    # What was told before we joined was not heard; a call that the layer loses is repaired by the run's heartbeat.
    task = asyncio.create_task(
        channel_groups.listen(group_name(conversation), lambda _: called.set(), joined=called.set)
    )
    try:
        yield called
    finally:
        _ears[conversation].discard(ear)
        if not _ears[conversation]:
            del _ears[conversation]
        task.cancel()
        await asyncio.wait([task])
