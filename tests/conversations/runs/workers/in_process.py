"""A worker in a test's own process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def working() -> AsyncIterator[asyncio.Event]:
    """Until the context is left, or the event is set."""
    # Not where there is no queue.
    from conversations.runs import worker

    stop = asyncio.Event()
    work = asyncio.create_task(worker.work(stop))
    try:
        yield stop
    finally:
        stop.set()
        await work
