"""A uvicorn server inside a running event loop that does other work. It does not handle signals."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """Without signal handling: at its end, uvicorn would restore the handler of a closed loop, and the next Ctrl-C
    would call that."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(application: Any, bound: socket.socket) -> AsyncIterator[None]:
    """Context in which the application is served on a listening socket."""
    config = uvicorn.Config(
        application,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    server = Server(config)
    task = asyncio.create_task(server.serve([bound]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def only(paths: Collection[str]) -> Any:
    """The site's application, restricted to these paths; any other is answered with 404."""
    from config.asgi import django_application

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] in paths:
            await django_application(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
        else:
            await send({"type": "websocket.close"})

    return answer
