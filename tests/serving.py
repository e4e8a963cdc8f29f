"""The whole application on uvicorn, in the event loop of a test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from pytest_django import Settings

from tests.e2e.site import free_port
from tests.fakes.waiting import PATIENCE_SECONDS


class Server(uvicorn.Server):
    """One that leaves the process's signals alone: what it puts back at its end would be a handler of a loop that is
    gone, and the next Ctrl-C would go there."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """Its address; stopped at the end. Without a lifespan: nothing is taken up or handed over."""
    from config.asgi import application

    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    port = free_port()
    config = uvicorn.Config(
        application, port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.started:
            await asyncio.sleep(0)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
