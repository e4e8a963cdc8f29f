"""A conversation as the body of an HTTP response: a watcher whose frames an encoder turns into bytes.

1. The subscription is made before anything is sent, so that its errors can still become a status code.
2. The watcher hands frames over; they are encoded at once and collected in a buffer.
3. A task sends the buffer, as one message, whenever the server is ready. While more than MAX_BUFFER bytes wait, the
   watcher is blocked. After a silence a keep-alive is sent.
4. The response ends with the encoder's last bytes. If it breaks off, the connection is aborted, because a truncated
   response must not look complete.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from uuid import UUID

import structlog
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from conversations.access.principals import Principal
from conversations.domain.frames import Frame
from streaming.http import direct_send
from streaming.http.responses import conversation_header
from streaming.hub.subscription import subscribe
from streaming.watchers.registry import registry
from streaming.watchers.watcher import Watcher
from streaming.wire.close_codes import Close

logger = structlog.get_logger(__name__)

EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
# A comment, in the format of Server-Sent Events.
KEEPALIVE_COMMENT: Final = b": still here\n"
# 15 s: most proxies drop a connection after 60 s of silence.
KEEPALIVE: Final = (15.0, KEEPALIVE_COMMENT)
# Bytes, for each response.
MAX_BUFFER: Final = 64 * 1024
# Some clients take these three characters for line ends, so JSON on one line must not hold them.
_LINE_ENDS: Final = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\u0085": "\\u0085"})


class Encoder:
    """A transport's format. It gets each frame once, in order; empty bytes send nothing.

    `keepalive` is (seconds, bytes): the bytes are sent after so many seconds of silence. The status and the headers are
    sent with the first bytes. If the status changes later, the connection is aborted, because the client could not
    recognise the failure otherwise."""

    keepalive: ClassVar[tuple[float, bytes]] = KEEPALIVE
    content_type = EVENT_STREAM
    http_status = 200
    headers: Mapping[str, str] = {}

    def event(self, frame: Frame) -> bytes:
        """An event of the log, or a frame that stands for several."""
        raise NotImplementedError

    def control(self, frame: Frame) -> bytes:
        """A frame that is not in the log: hello, heartbeat, notice, stream."""
        return b""

    def end(self, reason: Close) -> bytes:
        """The last bytes. For any reason but ENDED, they must show the client that the response is incomplete."""
        raise NotImplementedError


def encode_json(value: Any) -> bytes:
    """JSON in ASCII: some clients take other characters for line ends."""
    return json.dumps(value, separators=(",", ":")).encode()


def data_event(value: Any) -> bytes:
    """A Server-Sent Event without a name, whose data is the value as JSON."""
    return b"data: " + encode_json(value) + b"\n\n"


def one_line(text: str) -> str:
    """JSON text for a `data:` line that any client reads as one line."""
    return text if text.isascii() else text.translate(_LINE_ENDS)


@dataclass
class StreamResponse:
    """The response, as an ASGI application. The caller has checked the access to the conversation and read the
    request's body.

    `after` is the client's cursor, `rate` the maximum of tokens a second. When `stop` returns, the response ends as if
    the conversation had. `has_client_left` is set if the client disconnected before the end."""

    transport: str
    principal: Principal
    conversation: UUID
    after: int
    encoder: Encoder
    rate: float | None = None
    stop: Callable[[], Awaitable[None]] | None = None
    has_client_left: bool = field(default=False, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. LimitReached, and the exceptions of `subscribe`, are raised before anything is sent."""
        async with contextlib.AsyncExitStack() as stack:
            subscription = await stack.enter_async_context(subscribe(self.conversation, self.after))
            writer = _ResponseWriter(self.encoder, self.conversation, scope, send)
            watcher = Watcher(self.principal, self.transport, writer, writer.close, self.rate)
            registry().require_room(self.principal)
            registry().add(watcher)
            stack.callback(registry().remove, watcher)
            stack.callback(watcher.leave)
            watcher.follow(subscription)
            if self.stop is not None:
                stack.callback(asyncio.ensure_future(_end_after(self.stop, watcher)).cancel)
            await self._send(writer, watcher, receive)

    async def _send(self, writer: "_ResponseWriter", watcher: Watcher, receive: Receive) -> None:
        sending = asyncio.ensure_future(writer.send_all())
        disconnect = asyncio.ensure_future(_disconnect(receive))
        try:
            await asyncio.wait({sending, disconnect}, return_when=asyncio.FIRST_COMPLETED)
            # Some servers also report a disconnect at the end of a response, or after this side has closed the stream.
            self.has_client_left = not sending.done() and watcher.closed is None
        finally:
            for task in (sending, disconnect):
                task.cancel()
            await asyncio.wait({sending, disconnect})
        if not sending.cancelled() and (failure := sending.exception()) is not None:
            if not isinstance(failure, OSError):
                logger.error("stream_failed", watcher=str(watcher.id), exc_info=failure)
            writer.abort()
            self.has_client_left = True


async def _end_after(stop: Callable[[], Awaitable[None]], watcher: Watcher) -> None:
    await stop()
    watcher.end(Close.ENDED)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _ResponseWriter:
    """Encodes and buffers what the watcher hands over, and sends it."""

    def __init__(self, encoder: Encoder, conversation: UUID, scope: Scope, send: Send) -> None:
        self._encoder = encoder
        self._conversation = conversation
        self._scope = scope
        self._send = send
        # The status that was sent.
        self._status: int | None = None
        self._buffer = bytearray()
        self._is_due = asyncio.Event()
        # Done when the full buffer has been sent.
        self._sent: asyncio.Future[None] | None = None
        self._is_closed = False

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        """Buffer the frame. Returns None, or a future to await before the next frame if the buffer is full."""
        encode = self._encoder.event if frame.is_stored else self._encoder.control
        if encoded := encode(frame):
            # A frame without bytes must not delay the keep-alive.
            self._buffer += encoded
            self._is_due.set()
        if len(self._buffer) > MAX_BUFFER and self._sent is None:
            self._sent = asyncio.get_running_loop().create_future()
        return self._sent

    def close(self, reason: Close) -> None:
        self._buffer += self._encoder.end(reason)
        self._is_closed = True
        self._is_due.set()

    @property
    def unread(self) -> int:
        waiting = 0 if self._sent is None else len(self._buffer)
        return waiting + direct_send.unread(self._scope)

    def abort(self) -> None:
        direct_send.abort(self._scope)

    async def send_all(self) -> None:
        seconds, keepalive = self._encoder.keepalive
        while True:
            try:
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
                async with asyncio.timeout(seconds):
                    await self._is_due.wait()
            except TimeoutError:
                self._buffer += keepalive
            self._is_due.clear()
            is_last = self._is_closed
            body, self._buffer = bytes(self._buffer), bytearray()
            if body:
                await self._send_body(body, more=True)
            sent, self._sent = self._sent, None
            if sent is not None and not sent.done():
                sent.set_result(None)
            if is_last and not self._buffer:
                await self._send_body(b"", more=False)
                return

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        status = self._encoder.http_status
        if self._status is None:
            self._status = status
            await self._send({"type": "http.response.start", "status": status, "headers": self._headers()})
        elif self._status != status:
            raise ConnectionAbortedError("The response failed after its status had been sent.")
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _headers(self) -> list[tuple[bytes, bytes]]:
        headers = {
            "content-type": self._encoder.content_type,
            "cache-control": "no-cache, no-transform",
            # Otherwise nginx buffers the response.
            "x-accel-buffering": "no",
            **conversation_header(self._conversation),
            **self._encoder.headers,
        }
        return Headers(headers).raw
