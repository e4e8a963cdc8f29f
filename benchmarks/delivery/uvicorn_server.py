"""An ASGI application served by uvicorn, on a free port of loopback."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Literal

import uvicorn

HOST = "127.0.0.1"
BACKLOG = 2_048  # uvicorn's own


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], Coroutine[Any, Any, None]]) -> None:
        super().__init__(config)
        self._then = started
        self._task: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._task = asyncio.create_task(self._then())


def run(
    application: Any,
    lifespan: Literal["auto", "off"],
    log_level: str,
    started: Callable[[tuple[str, int]], Coroutine[Any, Any, None]],
) -> None:
    """Serve until SIGTERM; `started` is called with the address once connections are taken."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        address = (HOST, listening.getsockname()[1])
        config = uvicorn.Config(
            application,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            lifespan=lifespan,
            log_level=log_level,
            access_log=False,
            backlog=BACKLOG,
        )
        server = _Server(config, lambda: started(address))
        server.run(sockets=[listening])
