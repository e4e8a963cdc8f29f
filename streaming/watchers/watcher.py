"""One watcher: a connection's place in a conversation, and what is sent to it when.

Nothing is queued for it. It holds a cursor; what follows is in the reader's window or in the log, so that a slow
watcher costs the same as a fast one, and the debate never waits for either.
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings

from conversations.domain.enums import Mode, Status
from conversations.domain.events import EventData
from conversations.domain.frames import Frame
from conversations.event_log import appender
from streaming.hub.reader import ConversationReader
from streaming.hub.subscription import Subscription
from streaming.statistics import counters
from streaming.watchers.flow_control import FlowControl
from streaming.watchers.session_guard import Guest
from streaming.watchers.writers import ConnectionWriter
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import Heartbeat, Hello, Stream, StreamState, wire_frame

logger = structlog.get_logger(__name__)

# How long a watcher may stay full before it is sent away, to come back with its cursor.
FULL_SECONDS: Final = 10.0
# A watcher is told that it lags when it has done so for this long: catching up takes a moment, too.
LAG_SECONDS: Final = 2.0
HEARTBEATS_MISSED: Final = 2
# How long a connection may take to close before it is dropped.
CLOSE_SECONDS: Final = 5.0
# Who may see nothing more: what is unsent is not theirs any more, either.
SHUT_OUT_SECONDS: Final = 1.0
SHUT_OUT: Final = frozenset({Close.UNAUTHENTICATED, Close.FORBIDDEN})
# What an operator may say to a connection that takes nothing.
MAX_LATER: Final = 20


@dataclass(frozen=True)
class Connection:
    """What a watcher hangs on: whose connection it is, by which transport, and how to send over it and end it."""

    guest: Guest
    transport: str
    writer: ConnectionWriter
    close: Callable[[Close], None]


class Watcher:
    """A session of one client. Until it follows a conversation it is idle.

    Times are the event loop's, in seconds; `started` is the wall clock's. `tokens`, `frames` and `bytes` are what has
    been handed over."""

    def __init__(self, connection: Connection, rate: float | None = None) -> None:
        self.id: UUID = uuid.uuid4()
        self.guest = connection.guest
        self.transport = connection.transport
        self.rate = rate
        self.started = datetime.now(UTC)
        self.conversation: UUID | None = None
        self.cursor = 0
        self.tokens = self.frames = self.bytes = 0
        self.closed: Close | None = None
        self.left: int | None = None
        self.flow = FlowControl()
        self._connection = connection
        self._writer = connection.writer
        self._reader: ConversationReader | None = None
        self._seen = 0
        self._running = asyncio.Event()
        self._running.set()
        self._acked = asyncio.Event()
        self._later: list[EventData] = []
        self._blocked: asyncio.Future[Any] | None = None
        self._work: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._opened = self._heard = self._active = now
        self._next_beat = now + settings.OUTCRY_HEARTBEAT_SECONDS
        self._lagging_since: float | None = None
        self._full_since: float | None = None
        self._full_at = 0
        self._told = StreamState.STREAMING
        self._closed_at: float | None = None

    @property
    def _paused(self) -> bool:
        return not self._running.is_set()

    @property
    def state(self) -> StreamState:
        if self.closed is not None:
            return StreamState.ERROR if self.closed in (Close.FAULT, Close.SLOW) else StreamState.CLOSED
        if self._reader is None:
            return StreamState.IDLE
        if self._paused:
            return StreamState.PAUSED
        if self._reader.away or appender.held_up():
            return StreamState.RECONNECTING
        return StreamState.LAGGING if self.lagging else StreamState.STREAMING

    @property
    def lagging(self) -> bool:
        """Whether it has been handed about as much as it may be, and takes no more."""
        return self.flow.lagging or self._blocked is not None

    @property
    def head(self) -> int:
        """The newest seq there is for it."""
        return 0 if self._reader is None else self._reader.head

    def follow(self, subscription: Subscription) -> None:
        """Say hello, and from now on send every event from the subscription's start."""
        self._reader = subscription.reader
        self.conversation = subscription.reader.conversation
        self.cursor = subscription.start
        self._seen = subscription.position.head
        self._active = self._loop.time()
        logger.info(
            "watcher_follows",
            watcher=str(self.id),
            conversation=str(self.conversation),
            cursor=self.cursor,
            recovered=subscription.recovered,
        )
        self.tell(
            Hello(
                head=subscription.position.head,
                status=Status(subscription.position.status),
                mode=Mode(subscription.position.mode),
                recovered=subscription.recovered,
                from_=subscription.start,
                heartbeat_seconds=settings.OUTCRY_HEARTBEAT_SECONDS,
                session=self.id,
            )
        )
        if self.rate is not None:
            self._work = asyncio.create_task(self._trickle(self._reader, self.rate))
            return
        self._reader.serve(self)
        self.pump()

    def pump(self) -> None:
        """Send what is ready, as far as there is room."""
        reader = self._reader
        if reader is None or self._paused or self._blocked or self._work or self.closed is not None:
            return
        try:
            if self._wants(reader):
                frames = reader.ready(self.cursor)
                if frames is None:
                    self._work = asyncio.create_task(self._page(reader))
                    return
                self._send(frames)
            if reader.ended and self.cursor == reader.head and self._blocked is None:
                self.end(Close.ENDED)
        except Exception as failure:
            self._gone(failure)

    def _wants(self, reader: ConversationReader) -> bool:
        """Whether anything that follows may be sent now: else it is not even joined."""
        if self.flow.full:
            return False
        # For who lags, until the next ack, only what ends with a whole message.
        return self.cursor < (reader.whole if self.flow.lagging else reader.head)

    def tell(self, event: EventData) -> None:
        """Send what is not part of the log; later, when the connection takes nothing now."""
        if self.closed is not None:
            return
        if self._blocked is not None:
            # A late heartbeat says nothing.
            if not isinstance(event, Heartbeat) and len(self._later) < MAX_LATER:
                self._later.append(event)
            return
        try:
            self._hand_over(wire_frame(self.conversation, event, self.cursor))
        except Exception as failure:
            self._gone(failure)

    def ack(self, seq: int, waited: float = 0.0) -> None:
        """The client has taken everything up to `seq`, which is no further than it was sent, `waited` seconds ago."""
        self.heard()
        self.flow.ack(seq)
        self._acked.set()
        if self._reader is not None and seq > self._seen and self.rate is None:
            self._seen = seq
            if (token := self._reader.token(seq)) is not None:
                at, painted = token.at, datetime.now(UTC) - timedelta(seconds=waited)
                counters.painted((painted - at).total_seconds())
                self._reader.spans.painted(token, at, painted, self.transport)
        self.pump()

    def heard(self) -> None:
        """The client has said something."""
        self._heard = self._loop.time()

    def pause(self) -> None:
        """Hold the stream until `resume`, as the client asks."""
        if not self._paused:
            self._running.clear()
            self._active = self._loop.time()
            self._say_state()

    def resume(self) -> None:
        """Go on where the stream was held."""
        if self._paused:
            # What came meanwhile is painted late because it was to be.
            self._seen = self.head
            self._running.set()
            self._say_state()
            self.pump()

    def tick(self, now: float) -> None:
        """What time brings: heartbeats, limits, and word of a lag."""
        if self.closed is not None:
            patience = SHUT_OUT_SECONDS if self.closed in SHUT_OUT else CLOSE_SECONDS
            if self._closed_at is not None and now - self._closed_at >= patience:
                # It does not even take its close.
                self._closed_at = None
                self._writer.abort()
            return
        if (limit := self._limit(now)) is not None:
            self.end(limit)
            return
        if self._reader is not None and now >= self._next_beat:
            self._next_beat = now + settings.OUTCRY_HEARTBEAT_SECONDS
            self.tell(Heartbeat(head=self.head))
        self._lagging_since = (self._lagging_since or now) if self.lagging else None
        if self.state is not StreamState.LAGGING or now - (self._lagging_since or now) >= LAG_SECONDS:
            self._say_state()

    def end(self, why: Close) -> None:
        """Send nothing more, and close the connection."""
        if self.closed is not None:
            return
        self.closed = why
        self._closed_at = self._loop.time()
        self._stop()
        counters.CLOSES.labels(why.value, why.name.lower()).inc()
        self._connection.close(why)

    def leave(self, code: int | None = None) -> None:
        """The connection is gone, with the code of its close where there was one."""
        self.left = code
        self.closed = self.closed or Close.ENDED
        self._stop()

    def _limit(self, now: float) -> Close | None:
        """The bound that it has overstepped."""
        full = self.flow.full or (self._blocked is not None and self.cursor < self.head)
        if not full or self._full_since is None or self.cursor != self._full_at:
            # Who gets on, however full at every look, has a thin line and a lot to read.
            self._full_at, self._full_since = self.cursor, now if full else None
        if self._full_since is not None and now - self._full_since >= FULL_SECONDS:
            return Close.SLOW
        if now - self._opened >= settings.OUTCRY_SESSION_SECONDS:
            return Close.EXPIRED
        if (self._reader is None or self._paused) and now - self._active >= settings.OUTCRY_IDLE_SECONDS:
            return Close.IDLE
        silence = HEARTBEATS_MISSED * settings.OUTCRY_HEARTBEAT_SECONDS
        # Who has never said what it takes need not say that it lives.
        if self._reader is not None and self.flow.acks and now - self._heard > silence:
            return Close.HEARTBEAT_MISSED
        return None

    def _send(self, frames: list[Frame]) -> bool:
        """Hand over the frames; whether all of them were, or are held for want of a whole message."""
        for frame in frames:
            if self._blocked is not None or self.flow.full:
                return False
            if self.flow.lagging and frame.type == "token" and frame.seq >= self.head:
                # Its message will come whole, or it goes on from here once there is room.
                return True
            self._hand_over(frame)
            self._took(frame)
            self.flow.sent(frame)
        return True

    def _took(self, frame: Frame) -> None:
        self.cursor = frame.seq
        if tokens := frame.token_count:
            self.tokens += tokens
            counters.TOKENS_DELIVERED.inc(tokens)
        if frame.type != "token" and frame.seq > self._seen and self.rate is None:
            self._measure(frame)

    def _measure(self, frame: Frame) -> None:
        """Of what came while it was here, and is no token: those are too many."""
        at, now = frame.at, datetime.now(UTC)
        counters.delivered((now - at).total_seconds())
        if self._reader is not None:
            self._reader.spans.handed_over(frame, at, now, self.transport)

    def _hand_over(self, frame: Frame) -> None:
        self.frames += 1
        self.bytes += frame.size
        taken = self._writer.write(frame)
        if taken is not None:
            self._blocked = taken
            taken.add_done_callback(self._unblocked)

    def _unblocked(self, taken: "asyncio.Future[Any]") -> None:
        self._blocked = None
        if taken.cancelled():
            self.end(Close.FAULT)
        elif (failure := taken.exception()) is not None:
            self._gone(failure)
        else:
            while self._later and self._blocked is None:
                self.tell(self._later.pop(0))
            self.pump()

    async def _page(self, reader: ConversationReader) -> None:
        """Fetch what is not in memory any more, and send it."""
        try:
            frames = await reader.condensed_page(self.cursor)
            while not (self._paused or self.closed is not None):
                if self._send(frames):
                    if frames and self.cursor < frames[-1].seq:
                        return  # held: the next ack or the next event pumps
                    break
                if self._blocked is None:
                    return  # full: the next ack pumps, and reads on from the cursor
                await asyncio.wait([self._blocked])
                # What was told meanwhile may have taken the room; then `_send` hands nothing over.
                frames = [frame for frame in frames if frame.seq > self.cursor]
        except Exception as failure:
            self._gone(failure)
        finally:
            self._work = None
        self.pump()

    async def _trickle(self, reader: ConversationReader, rate: float) -> None:
        """Send no more than `rate` tokens a second, each in its order: a token is sent when its time has passed."""
        due = self._loop.time()
        try:
            while self.closed is None and (frames := await reader.after(self.cursor)):
                for frame in frames:
                    due = max(due, self._loop.time()) + frame.token_count / rate
                    await asyncio.sleep(due - self._loop.time())
                    await self._may_go_on()
                    self._hand_over(frame)
                    self._took(frame)
                    self.flow.sent(frame)
            self.end(Close.ENDED)
        except Exception as failure:
            self._gone(failure)

    async def _may_go_on(self) -> None:
        """Return once the stream is not held, and there is room."""
        while self._paused or self._blocked is not None or self.flow.full:
            if self._blocked is not None:
                await asyncio.wait([self._blocked])
            elif self._paused:
                await self._running.wait()
            else:
                self._acked.clear()
                await self._acked.wait()

    def _say_state(self) -> None:
        if self.state is not self._told and self._reader is not None:
            self._told = self.state
            self.tell(Stream(state=self.state))

    def _gone(self, failure: BaseException) -> None:
        """The server could not take a frame."""
        if isinstance(failure, OSError):
            # The client has left, and its disconnect is on the way.
            self.leave()
            return
        logger.error(
            "watcher_failed", watcher=str(self.id), conversation=str(self.conversation), exc_info=failure
        )
        self.end(Close.FAULT)

    def _stop(self) -> None:
        if self._reader is not None:
            self._reader.dismiss(self)
        if self._work is not None and self._work is not asyncio.current_task():
            self._work.cancel()
