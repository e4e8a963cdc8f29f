"""How frames are written to a client's connection, cheaply enough for a thousand watchers.

An ASGI server's `send` is a coroutine, and a task for each frame and watcher costs more than the frame. A server's
WebSocket frames carry no mask, so every client gets the same bytes: with uvicorn they are written straight to the
connection's transport, and uvicorn says when its buffer is full. Any other server is served through its `send`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from conversations.domain.frames import Frame

Send = Callable[[Any], Awaitable[None]]


class ConnectionWriter(Protocol):
    """Writes to one connection: frames in order, and none before the one before it has been taken."""

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        """Hand a frame to the server. Returns None when there is room for more; else a future that is done once there
        is. Raises what the server raises when the client is gone."""

    def abort(self) -> None:
        """Drop the connection and what is unsent, where the server allows it."""


def writer_for(send: Send) -> ConnectionWriter:
    """The cheapest writer for a server, by the `send` that it gave for this connection."""
    # uvicorn's `send` is a method of its protocol. Another release may look different inside: then its `send` is used.
    protocol = getattr(send, "__self__", None)
    is_uvicorns = type(protocol).__module__.startswith("uvicorn.")
    if is_uvicorns and hasattr(protocol, "transport") and hasattr(protocol, "writable"):
        return UvicornWriter(protocol)
    return TaskWriter(send)


class TaskWriter:
    """Any server: a task for each frame, done when the server's `send` returns."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        return asyncio.ensure_future(self._send(frame.message))

    def abort(self) -> None:
        pass


class UvicornWriter:
    """uvicorn: bytes straight to the transport; `writable` is set while its buffer has room."""

    def __init__(self, protocol: Any) -> None:
        self._transport = protocol.transport
        self._writable: asyncio.Event = protocol.writable

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        if self._transport.is_closing():
            raise ConnectionResetError("The client has left.")
        self._transport.write(frame.octets)
        return None if self._writable.is_set() else asyncio.ensure_future(self._writable.wait())

    def abort(self) -> None:
        self._transport.abort()
