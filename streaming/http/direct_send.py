"""The server's own `send`, past the middlewares between it and an application.

For every message that a socket sends, Channels' session middleware asks whether the session has to be saved; an event
never changes it. And only the server's own `send` leads to its connection.
"""

from collections.abc import Mapping
from typing import Any

KEY = "outcry.send"


class DirectSend:
    """ASGI middleware, the outermost: keeps the server's `send` in the scope, under KEY."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return await self._application({**scope, KEY: send}, receive, send)


def abort(scope: Mapping[str, Any]) -> None:
    """Drop the connection of a response and what is unsent of it, with a server that lets us (uvicorn does)."""
    transport = getattr(getattr(scope[KEY], "__self__", None), "transport", None)
    if transport is not None and hasattr(transport, "abort"):
        transport.abort()
