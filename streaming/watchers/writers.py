"""How frames are written to a client's connection, cheaply enough for a thousand watchers.

An ASGI server's `send` is a coroutine, and a task for each frame and watcher costs more than the frame. WebSocket
frames from a server have no mask, so all clients get the same bytes. With uvicorn, they are written directly to the
connection's transport, and uvicorn reports when its buffer is full. With other servers, `send` is used.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from django.conf import settings

from conversations.domain.frames import Frame

Send = Callable[[Any], Awaitable[None]]
Write = Callable[[Frame], "asyncio.Future[Any] | None"]


class ConnectionWriter(Protocol):
    """Writes frames to one connection, in order. `write` must not be called while the future it last returned is not
    done."""

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        """Pass a frame to the server. Returns None if there is room for more, else a future that is done once there is.
        Raises the server's exception if the client has disconnected."""

    @property
    def unread(self) -> int:
        """Bytes that the client has not made room for, as far as the server tells; else 0."""

    def abort(self) -> None:
        """Drop the connection with its unsent frames, if the server allows it."""


def writer_for(send: Send) -> ConnectionWriter:
    """The cheapest writer for a server, by the `send` that it gave for this connection."""
    # uvicorn's `send` is a method of its protocol object. If another release differs inside, its `send` is used.
    protocol = getattr(send, "__self__", None)
    is_uvicorns = any(each.__module__.startswith("uvicorn.") for each in type(protocol).__mro__)
    if is_uvicorns and hasattr(protocol, "transport") and hasattr(protocol, "writable"):
        return UvicornWriter(protocol)
    return TaskWriter(send)


def filtered(transport: str, write: Write) -> Write:
    """A writer's `write`, with a filter in front if OUTCRY_EVENTS excludes events from this transport."""
    excluded = settings.OUTCRY_EVENTS.get(transport)
    return EventFilter(write, excluded).write if excluded else write


class TaskWriter:
    """For any server: a task for each frame, done when the server's `send` returns."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        return asyncio.ensure_future(self._send(frame.message))

    @property
    def unread(self) -> int:
        return 0

    def abort(self) -> None:
        pass


class UvicornWriter:
    """For uvicorn: writes to the transport; `writable` is set while its buffer has room."""

    def __init__(self, protocol: Any) -> None:
        self._transport = protocol.transport
        self._writable: asyncio.Event = protocol.writable

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        if self._transport.is_closing():
            raise ConnectionResetError("The client has left.")
        self._transport.write(frame.octets)
        return None if self._writable.is_set() else asyncio.ensure_future(self._writable.wait())

    @property
    def unread(self) -> int:
        size: int = self._transport.get_write_buffer_size()
        return size

    def abort(self) -> None:
        self._transport.abort()


class EventFilter:
    """Drops events of the excluded types. The next frame covers their seqs, too, so that the client sees no gap."""

    def __init__(self, write: Write, excluded: frozenset[str]) -> None:
        self._pass_on = write
        self._excluded = excluded
        # The seq before the first event that was dropped since the last written frame; None if none was.
        self._after: int | None = None

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        if not frame.is_stored:
            return self._pass_on(self._with_known_head(frame))
        if frame.type in self._excluded:
            self._after = frame.after if self._after is None else self._after
            return None
        after, self._after = self._after, None
        return self._pass_on(frame if after is None else frame.covering(after))

    def _with_known_head(self, frame: Frame) -> Frame:
        """A heartbeat whose head is the newest seq that the client was sent. With a newer one, the client would wait
        for the dropped events and reconnect."""
        if self._after is None or frame.type != "heartbeat":
            return frame
        return replace(frame, data={"head": self._after})
