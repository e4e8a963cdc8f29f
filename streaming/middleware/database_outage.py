"""Handshakes while the database is away."""

from typing import Any

from conversations.domain.errors import LogUnavailable
from conversations.infrastructure import database
from streaming.wire.close_codes import Close


class RetryLater:
    """ASGI middleware for WebSockets: where nobody can say whose session it is, the client is told to come back.

    Else its handshake fails, which a browser cannot tell from a refusal."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            return await self._application(scope, receive, sending)
        except (*database.FAILURES, LogUnavailable):
            if begun:
                raise
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": int(Close.UNAVAILABLE)})
