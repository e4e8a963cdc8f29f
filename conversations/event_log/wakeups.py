"""Wakes a conversation's run after a person's command was stored: directly in this process, and through the channel
layer in others.

A wake-up carries no data and is delivered at most once; the log is authoritative. Wake-ups have a group of their own: a
run does not need the announcements of tokens that it has written itself.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from conversations.event_log import channel_groups
from conversations.infrastructure.event_loop import BackgroundTasks

# The runs of this process by conversation: each one's loop, and the event that wakes it.
_runs: defaultdict[UUID, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(set)
tasks = BackgroundTasks()


def group_name(conversation: UUID) -> str:
    """The channel layer group of the conversation's run."""
    return f"commands_{conversation.hex}"


def wake(conversation: UUID) -> None:
    """Have the conversation's run read its log, in this or another process; returns at once."""
    wake_here(conversation)
    # A wake-up may be lost: the run reads its log at each heartbeat, too.
    tasks.spawn(channel_groups.send(group_name(conversation), {"type": "run.called"}, "call"))


def wake_here(conversation: UUID) -> None:
    """Have the conversation's run read its log, if it is in this process, in any event loop."""
    for loop, wakeup in (*_runs.get(conversation, ()),):
        # The loop may have been closed.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(wakeup.set)


@asynccontextmanager
async def listening(conversation: UUID) -> AsyncIterator[asyncio.Event]:
    """Context with an event that is set whenever the conversation's run has to read its log; the run clears it."""
    wakeup = asyncio.Event()
    run = (asyncio.get_running_loop(), wakeup)
    _runs[conversation].add(run)
    # On joining, wake the run, because earlier wake-ups were missed.
    task = asyncio.create_task(
        channel_groups.listen(group_name(conversation), lambda _: wakeup.set(), joined=wakeup.set)
    )
    try:
        yield wakeup
    finally:
        _runs[conversation].discard(run)
        if not _runs[conversation]:
            del _runs[conversation]
        task.cancel()
        await asyncio.wait([task])
