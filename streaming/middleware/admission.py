"""How many may come in at once."""

import asyncio
from typing import Any

from conversations.infrastructure.event_loop import PerLoop

# Each reads a session, a person and a right. When a thousand come back at once, those who are in go on being served.
AT_ONCE = 8000


class Turnstile:
    """ASGI middleware for WebSockets: handshakes beyond AT_ONCE wait for their turn."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._places = PerLoop(lambda: asyncio.Semaphore(AT_ONCE))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        places = self._places.here()
        await places.acquire()
        inside = False

        def enter() -> None:
            nonlocal inside
            if not inside:
                inside = True
                places.release()

        async def sending(message: Any) -> None:
            # Accepted or refused: somebody else's turn.
            enter()
            await send(message)

        try:
            return await self._application(scope, receive, sending)
        finally:
            enter()
