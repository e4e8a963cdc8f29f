"""The server's own `send`, past what stands between it and a consumer.

For every message a socket sends, Channels' session middleware asks whether the session is to be saved; an event never
changes it.
"""

from typing import Any

KEY = "outcry.send"


class DirectSend:
    """ASGI middleware, the outermost: keeps the server's `send` in the scope, under KEY."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return await self._application({**scope, KEY: send}, receive, send)
