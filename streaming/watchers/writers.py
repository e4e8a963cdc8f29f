"""How frames get to a connection's server, at the cost of many watchers.

An ASGI server's `send` is a coroutine, and a task for each frame and watcher costs more than the frame; Daphne's
never waits, however much is unsent. A server's WebSocket frames are the same octets for all who get them, so with the
servers that we know they are written to the connection's transport, which says when it has enough.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from streaming.wire.frames import Frame

Send = Callable[[Any], Awaitable[None]]


class Outlet(Protocol):
    """One connection's way out. Frames are handed over in order, and none before an earlier one has been taken."""

    @property
    def measured(self) -> bool:
        """Whether the server says when its buffer is full."""

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        """Hand a frame over. None: there is room for more. A future: when it is done, and not before, there is.

        Raises whatever the server raises when the client is gone."""

    def abort(self) -> None:
        """Drop the connection and what is unsent, where the server allows it."""


def outlet(send: Send) -> Outlet:
    """The best way there is with this server's `send`."""
    # uvicorn's is a method of its protocol, Daphne's a partial whose first argument is the protocol.
    function, arguments = getattr(send, "func", send), getattr(send, "args", ())
    module = getattr(function, "__module__", None) or ""
    if module.startswith("daphne.") and arguments:
        transport = getattr(arguments[0], "transport", None)
        if all(hasattr(transport, name) for name in _TWISTED):
            # How long a close may take is the watcher's to say: Daphne's own second drops what a slow client has yet to
            # read, and the code with it.
            arguments[0].closeHandshakeTimeout = 0
            return DaphneOutlet(transport)
    if module.startswith("uvicorn."):
        protocol = getattr(send, "__self__", None)
        if all(hasattr(protocol, name) for name in _UVICORN):
            return UvicornOutlet(protocol)
    # Whatever its release looks like, Daphne's `send` returns at once.
    return TaskOutlet(send, measured=not module.startswith("daphne."))


# What is used of them; a release that has it no longer is served like any other server.
_TWISTED = ("write", "registerProducer", "unregisterProducer", "abortConnection")
_UVICORN = ("transport", "writable")


class TaskOutlet:
    """Any server: a task for each frame. `measured` unless its `send` returns though its buffer is full."""

    def __init__(self, send: Send, *, measured: bool = True) -> None:
        self._send = send
        self.measured = measured

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        return asyncio.ensure_future(self._send(frame.message))

    def abort(self) -> None:
        pass


class UvicornOutlet:
    """uvicorn's connection, past its `send`: the same octets for all, and its own word on whether there is room."""

    measured = True

    def __init__(self, protocol: Any) -> None:
        self._transport = protocol.transport
        self._room: asyncio.Event = protocol.writable

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        if self._transport.is_closing():
            raise ConnectionResetError("The client has left.")
        self._transport.write(frame.octets)
        return None if self._room.is_set() else asyncio.ensure_future(self._room.wait())

    def abort(self) -> None:
        self._transport.abort()


class DaphneOutlet:
    """Daphne's connection, past its `send`: the same octets for all, and a transport that says when it is full."""

    measured = True

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._room: asyncio.Future[None] | None = None
        # What Daphne leaves there is the parser of the HTTP request, which would stop reading the client's frames.
        self._transport.unregisterProducer()
        self._transport.registerProducer(self, True)

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        self._transport.write(frame.octets)
        return self._room

    def abort(self) -> None:
        self._transport.abortConnection()

    # Called by the transport, as Twisted's IPushProducer says.

    def pauseProducing(self) -> None:  # noqa: N802
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:  # noqa: N802
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def stopProducing(self) -> None:  # noqa: N802
        self.resumeProducing()
