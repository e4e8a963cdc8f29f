"""The server's own `send`, bypassing the middlewares in between.

For each message sent, Channels' session middleware checks whether the session has to be saved, which an event never
requires. And the server's connection can be reached only from its own `send`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

KEY = "outcry.send"


class DirectSend:
    """ASGI middleware, the outermost: puts the server's `send` into the scope, under KEY, and empties `root_path`.

    The application is at the root of its site. Daphne takes `root_path` from the client's `Daphne-Root-Path` header,
    and Django begins every address with it, so a client could choose the host of redirects and of links in mails."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return await self._application({**scope, KEY: send, "root_path": ""}, receive, send)


def unread(scope: Mapping[str, Any]) -> int:
    """Bytes of a response that the client has not made room for, as far as the server tells; else 0."""
    transport = _transport(scope)
    return 0 if transport is None else transport.get_write_buffer_size()


def abort(scope: Mapping[str, Any]) -> None:
    """Drop a response's connection with its unsent bytes, if the server allows it (uvicorn does)."""
    transport = _transport(scope)
    if transport is not None:
        transport.abort()


def _transport(scope: Mapping[str, Any]) -> asyncio.Transport | None:
    transport = getattr(getattr(scope[KEY], "__self__", None), "transport", None)
    return transport if isinstance(transport, asyncio.Transport) else None
