"""A conversation as the body of an HTTP response: a watcher like any other, whose frames become bytes by an encoder."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import structlog

from conversations.domain.frames import Frame
from streaming.http import direct_send
from streaming.http import request as exchange
from streaming.http.request import Request, Visitor
from streaming.hub.subscription import subscribe
from streaming.watchers.event_filter import filtered
from streaming.watchers.registry import registry
from streaming.watchers.watcher import Connection, Watcher
from streaming.wire.close_codes import Close

logger = structlog.get_logger(__name__)

EVENTS: Final = "text/event-stream; charset=utf-8"
# A comment to whoever reads lines.
BEAT: Final = b": still here\n"
# Proxies drop connections on which nothing is said, most of them after a minute.
SILENCE: Final = (15.0, BEAT)
# What may wait for the server to take it, in bytes.
MAX_WAITING: Final = 64 * 1024


class Encoder(Protocol):
    """What a transport makes of a conversation. Called once for each frame, in order."""

    @property
    def silence(self) -> tuple[float, bytes]:
        """After how many seconds without a word what is sent, so that nobody takes the connection for dead."""

    def frame(self, frame: Frame) -> bytes:
        """An event of the log, or a frame that stands for several; b"" says nothing."""

    def aside(self, frame: Frame) -> bytes:
        """What is not in the log: hello, notice, stream; b"" says nothing."""

    def end(self, why: Close) -> bytes:
        """The last bytes. What broke off must not look whole."""


@dataclass(frozen=True)
class Stream:
    """What is streamed to whom, by which transport."""

    transport: str
    visitor: Visitor
    conversation: UUID
    after: int
    encoder: Encoder
    headers: Iterable[tuple[str, str]]
    rate: float | None = None
    # Once it is set, the response ends as it does where the conversation has ended.
    enough: asyncio.Event | None = None


def headers(conversation: UUID, content_type: str = EVENTS) -> list[tuple[str, str]]:
    """Of a response that streams the conversation."""
    return [
        ("content-type", content_type),
        ("cache-control", "no-cache, no-transform"),
        # nginx would hold back what it is to pass on.
        ("x-accel-buffering", "no"),
        named(conversation),
    ]


def named(conversation: UUID) -> tuple[str, str]:
    """The header that says which conversation an answer is of."""
    return "x-outcry-conversation", str(conversation)


async def respond(request: Request, stream: Stream, receive: Any, send: Any) -> bool:
    """Answer with the conversation from the cursor to its end. Whether the client stayed to the end of the response.

    The caller has asked `access` before, and read the request's body. Raises what `subscribe` raises, before anything
    is sent."""
    async with contextlib.AsyncExitStack() as held:
        subscription = await held.enter_async_context(subscribe(stream.conversation, stream.after))
        body = _BodyWriter(stream.encoder, request.scope, send)
        writer = filtered(stream.transport, body)
        connection = Connection(stream.visitor.guest, stream.transport, writer, body.close)
        watcher = Watcher(connection, stream.rate)
        registry().add(watcher)
        held.callback(registry().remove, watcher)
        held.callback(watcher.leave)
        headers = exchange.headers(stream.headers)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        watcher.follow(subscription)
        held.callback(_end_after(stream.enough, watcher).cancel)
        pumping = asyncio.ensure_future(body.pump())
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({pumping, leaving}, return_when=asyncio.FIRST_COMPLETED)
            # At the end of a response, some servers call its client gone.
            # Nor has it left of itself where we had closed the stream already.
            stayed = pumping.done() or watcher.closed is not None
        finally:
            for task in (pumping, leaving):
                task.cancel()
            await asyncio.wait({pumping, leaving})
        if not pumping.cancelled() and (failure := pumping.exception()) is not None:
            # Nothing may pass for a whole answer that is none.
            if not isinstance(failure, OSError):
                logger.error("stream_failed", watcher=str(watcher.id), exc_info=failure)
            body.abort()
            return False
        return stayed


def _end_after(enough: asyncio.Event | None, watcher: Watcher) -> "asyncio.Future[Any]":
    async def end() -> None:
        if enough is not None:
            await enough.wait()
            watcher.end(Close.ENDED)

    return asyncio.ensure_future(end())


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _BodyWriter:
    """Collects what the watcher hands over; `pump` sends all that has gathered at once."""

    def __init__(self, encoder: Encoder, scope: Mapping[str, Any], send: Any) -> None:
        self._encoder = encoder
        self._scope = scope
        self._send = send
        self._waiting = bytearray()
        self._news = asyncio.Event()
        self._room: asyncio.Future[None] | None = None
        self._is_closed = False

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        if said := self._encoder.frame(frame) if frame.is_stored else self._encoder.aside(frame):
            # What says nothing ends no silence.
            self._waiting += said
            self._news.set()
        if len(self._waiting) > MAX_WAITING and self._room is None:
            self._room = asyncio.get_running_loop().create_future()
        return self._room

    def close(self, why: Close) -> None:
        """End the response with the encoder's last words."""
        self._waiting += self._encoder.end(why)
        self._is_closed = True
        self._news.set()

    def abort(self) -> None:
        direct_send.abort(self._scope)

    async def pump(self) -> None:
        """Send to the end of the response."""
        seconds, beat = self._encoder.silence
        while True:
            try:
                # Not wait_for, which before Python 3.12 loses a cancel that comes with the news.
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                self._waiting += beat
            self._news.clear()
            is_last = self._is_closed
            body, self._waiting = bytes(self._waiting), bytearray()
            if body:
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
            room, self._room = self._room, None
            if room is not None and not room.done():
                room.set_result(None)
            if is_last and not self._waiting:
                await self._send({"type": "http.response.body", "body": b""})
                return
