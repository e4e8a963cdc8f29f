"""The server's own `send`, bypassing the middlewares in between.

For each message sent, Channels' session middleware checks whether the session has to be saved, which an event never
requires. And the server's connection can be reached only from its own `send`.
"""

from collections.abc import Mapping
from typing import Any

KEY = "outcry.send"


class DirectSend:
    """ASGI middleware, the outermost: puts the server's `send` into the scope, under KEY."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return await self._application({**scope, KEY: send}, receive, send)


def abort(scope: Mapping[str, Any]) -> None:
    """Drop a response's connection with its unsent bytes, if the server allows it (uvicorn does)."""
    transport = getattr(getattr(scope[KEY], "__self__", None), "transport", None)
    if transport is not None and hasattr(transport, "abort"):
        transport.abort()
