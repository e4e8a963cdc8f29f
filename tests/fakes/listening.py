"""A stand-in's HTTP server, in the event loop of the test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def listening(
    take: Callable[[web.Request], Awaitable[web.StreamResponse]], method: str = "*", path: str = "/{path:.*}"
) -> AsyncIterator[str]:
    """The address of a server on a free port, whose requests `take` answers."""
    application = web.Application()
    application.router.add_route(method, path, take)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
