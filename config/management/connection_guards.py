"""Bounds of one connection that uvicorn itself does not have, for clients that are not signed in yet, too:

1. a request's head and body arrive within OUTCRY_REQUEST_SECONDS, and its head does not go on past MAX_HEAD bytes, and
   neither does what is no body after it: extensions of chunks, and trailers, which uvicorn would add to the headers;
2. a client that does not read what it is sent is dropped past OUTCRY_MAX_UNREAD_BYTES. The server answers protocol
   pings by itself, so that they, too, would fill its memory;
3. protocol pings count as frames, of which a client sends at most OUTCRY_MAX_FRAMES_PER_SECOND.
"""

import asyncio
from typing import Any, Final

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from streaming.watchers.frame_rate import FrameRate

# Bytes beyond the read in which the head begins or the body ends (at most 256 KiB): more than browsers send with all
# cookies.
MAX_HEAD: Final = 64 * 1024


class GuardedHttp(HttpToolsProtocol):
    """HTTP with a time limit for each request, from its first byte, or the connection, to its last byte."""

    _deadline: asyncio.TimerHandle | None = None
    # Bytes since the message began, the head ended, or the body continued.
    _received = 0
    _has_head = False
    # Whether the connection is a WebSocket's now.
    _is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        if self._received > MAX_HEAD:
            self.transport.abort()
        elif self._deadline is None and self._is_between_requests:
            # Blank lines before a request, which end uvicorn's own wait for it.
            self._start()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._received = 0
        self._has_head = False
        self._start()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Whoever forwards a request, such as a proxy, has checked its head, but not its trailers.
        if not self._has_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._received = 0
        self._has_head = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._received = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._received = 0
        self._stop()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop()
        self._is_upgraded = True
        super().handle_websocket_upgrade()

    @property
    def _is_between_requests(self) -> bool:
        # uvicorn's attributes are None after the connection and before the first request, whatever their types say.
        cycle: Any = self.cycle
        is_open = not (self._is_upgraded or self.transport.is_closing())
        return is_open and (cycle is None or cycle.response_complete)

    def _start(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(settings.OUTCRY_REQUEST_SECONDS, self.transport.abort)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose unread output and whose pings are bounded."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rate = FrameRate(self.loop.time())

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_write_buffer_size() > settings.OUTCRY_MAX_UNREAD_BYTES:
            self.transport.abort()

    def handle_ping(self) -> None:
        if self._rate.allows(self.loop.time()):
            super().handle_ping()
        else:
            self.transport.abort()
