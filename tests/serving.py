"""The whole application on uvicorn, in the event loop of a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from pytest_django import Settings

from tests.e2e.site import free_port
from tests.fakes.waiting import PATIENCE_SECONDS


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """Its address; stopped at the end. Without a lifespan: nothing is taken up or handed over."""
    from config.asgi import application

    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    port = free_port()
    config = uvicorn.Config(
        application, port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.started:
            await asyncio.sleep(0)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
