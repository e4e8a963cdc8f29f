"""HTTP responses that last: their `send` waits for the client, and one that breaks off is seen as broken off.

uvicorn does both. Daphne's `send` returns at once, however much is unsent, and after a response has begun it leaves the
connection of an application that fails open for ever; so with Daphne both are done here, through the connection itself.
"""

import asyncio
from typing import Any

import structlog

from streaming.http import direct_send

logger = structlog.get_logger(__name__)


class Paced:
    """ASGI middleware around everything that answers HTTP."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope = {**scope, direct_send.KEY: send}
        request = _daphnes(send)
        if request is None:
            await self._application(scope, receive, send)
            return
        response = _Response(request, send)
        try:
            await self._application(scope, receive, response.send)
        except Exception:
            if not response.is_open:
                raise
            logger.exception("response_broke_off", path=scope["path"])
            abort(send)
        finally:
            response.release()


def abort(send: Any) -> None:
    """Drop the connection of a response and what is unsent of it, with the servers that let us. `send` is the server's
    own, from the scope."""
    if (request := _daphnes(send)) is not None:
        if request.channel is not None:
            request.channel.transport.abortConnection()
        return
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None and hasattr(transport, "abort"):
        transport.abort()


def _daphnes(send: Any) -> Any:
    """Daphne's request behind its `send`, which is a partial of it; None with any other server."""
    function, arguments = getattr(send, "func", None), getattr(send, "args", ())
    is_daphnes = (getattr(function, "__module__", None) or "").startswith("daphne.")
    return arguments[0] if is_daphnes and arguments and hasattr(arguments[0], "registerProducer") else None


class _Response:
    def __init__(self, request: Any, send: Any) -> None:
        self._request = request
        self._send = send
        self._room: _Room | None = None
        self.is_open = False

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.is_open = True
        elif not message.get("more_body"):
            self.is_open = False
            self.release()
        elif self._room is None and self._request.channel is not None:
            self._room = _Room()
            self._request.registerProducer(self._room, True)
        await self._send(message)
        if self._room is not None and self._room.full is not None:
            await asyncio.shield(self._room.full)

    def release(self) -> None:
        """The connection may have a next request, which registers its own."""
        room, self._room = self._room, None
        if room is not None:
            room.resumeProducing()
            if self._request.channel is not None:
                self._request.unregisterProducer()


class _Room:
    """What Twisted calls a push producer: told when the connection's buffer is full, and when it is not any more."""

    def __init__(self) -> None:
        self.full: asyncio.Future[None] | None = None

    def pauseProducing(self) -> None:  # noqa: N802
        if self.full is None:
            self.full = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:  # noqa: N802
        full, self.full = self.full, None
        if full is not None and not full.done():
            full.set_result(None)

    def stopProducing(self) -> None:  # noqa: N802
        self.resumeProducing()
