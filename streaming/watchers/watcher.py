"""One watcher: a client's connection, and the conversation that is sent over it.

1. A connection makes a watcher, which is idle.
2. `follow` starts a delivery, which sends events from the client's cursor on.
3. `ack`, `pause` and `resume` are called for the client's frames; `tick` is called once a second, for heartbeats and
   limits.
4. `end` closes the connection; `leave` is called after it has closed.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings

from conversations.access.principals import Principal
from conversations.domain.enums import Mode, Status
from conversations.domain.events import EventData
from conversations.event_log import appender
from streaming.hub.subscription import Subscription
from streaming.statistics import counters
from streaming.watchers.delivery import Delivery, LiveDelivery, RateLimitedDelivery
from streaming.watchers.frame_sender import FrameSender
from streaming.watchers.timers import Timers
from streaming.watchers.writers import ConnectionWriter
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import Heartbeat, Hello, Stream, StreamState, wire_frame

logger = structlog.get_logger(__name__)

# How long a connection may take to close before it is dropped.
CLOSE_SECONDS: Final = 5.0
# After these closes the client must not receive the unsent rest, so the connection is dropped sooner.
REVOKED: Final = frozenset({Close.UNAUTHENTICATED, Close.FORBIDDEN})
REVOKED_SECONDS: Final = 1.0


class Watcher:
    """`close` closes the connection that `writer` writes to; `rate` is the maximum of tokens a second, None without a
    limit. `started` is wall-clock time; `closed` is the reason why the watcher has ended, `left` the client's close
    code."""

    def __init__(
        self,
        principal: Principal,
        transport: str,
        writer: ConnectionWriter,
        close: Callable[[Close], None],
        rate: float | None = None,
    ) -> None:
        self.id: UUID = uuid.uuid4()
        self.principal = principal
        self.transport = transport
        # None before it is known which one the client watches.
        self.conversation: UUID | None = None
        self.rate = rate
        self.started = datetime.now(UTC)
        self.closed: Close | None = None
        self.left: int | None = None
        self.sender = FrameSender(transport, writer.write, self.pump, self._fail_to_send)
        self.flow = self.sender.flow
        self._writer = writer
        self._close_connection = close
        self.delivery: Delivery | None = None
        self._loop = asyncio.get_running_loop()
        self.timers = Timers(self._loop.time())
        # The state that the client was last notified of.
        self._notified_state = StreamState.STREAMING
        self._closed_at: float | None = None

    @property
    def state(self) -> StreamState:
        if self.closed is not None:
            return StreamState.ERROR if self.closed in (Close.FAULT, Close.SLOW) else StreamState.CLOSED
        if self.delivery is None:
            return StreamState.IDLE
        if self.delivery.is_paused:
            return StreamState.PAUSED
        if self.delivery.reader.log.is_unavailable or appender.is_commit_slow():
            return StreamState.RECONNECTING
        return StreamState.LAGGING if self.lagging else StreamState.STREAMING

    @property
    def lagging(self) -> bool:
        """Whether the frames in flight are near their bound, or the server's send buffer is full."""
        return self.flow.lagging or self.sender.blocked is not None

    @property
    def head(self) -> int:
        """The newest seq of the conversation that this process knows; 0 before it follows one."""
        return 0 if self.delivery is None else self.delivery.reader.head

    @property
    def cursor(self) -> int:
        """The seq of the last event that was sent."""
        return 0 if self.delivery is None else self.delivery.cursor

    @property
    def behind(self) -> int:
        """How many events it has not been sent yet."""
        return max(0, self.head - self.cursor)

    @property
    def tokens(self) -> int:
        return 0 if self.delivery is None else self.delivery.tokens

    def follow(self, subscription: Subscription) -> None:
        """Send the hello frame, and from now on every event after the subscription's start."""
        self.conversation = subscription.reader.conversation
        self.timers.active(self._loop.time())
        if self.rate is None:
            self.delivery = LiveDelivery(subscription, self.sender, self.end)
        else:
            self.delivery = RateLimitedDelivery(subscription, self.sender, self.end, self.rate)
        logger.info(
            "watcher_follows",
            watcher=str(self.id),
            conversation=str(self.conversation),
            cursor=self.cursor,
            recovered=subscription.recovered,
        )
        self.notify(
            Hello(
                head=subscription.position.head,
                status=Status.read(subscription.position.status),
                mode=Mode.read(subscription.position.mode),
                recovered=subscription.recovered,
                from_=subscription.start,
                heartbeat_seconds=settings.OUTCRY_HEARTBEAT_SECONDS,
                session=self.id,
            )
        )
        self.pump()

    def pump(self) -> None:
        if self.delivery is not None:
            self.delivery.pump()

    def notify(self, event: EventData) -> None:
        """Send an event that is not in the log, or queue it while the connection is blocked."""
        if self.closed is not None:
            return
        try:
            self.sender.send_control(wire_frame(self.conversation, event, self.cursor))
        except Exception as failure:
            self._fail_to_send(failure)

    def ack(self, seq: int, waited: float = 0.0) -> None:
        """The client has received everything up to `seq`, which has been sent, `waited` seconds ago."""
        self.received()
        self.flow.ack(seq)
        if self.delivery is not None:
            self.delivery.acknowledged(seq, waited)

    def received(self) -> None:
        self.timers.received(self._loop.time())

    def pause(self) -> None:
        """Pause the stream until `resume`."""
        if self.delivery is not None and not self.delivery.is_paused:
            self.delivery.is_paused = True
            self.timers.active(self._loop.time())
            self._notify_state()

    def resume(self) -> None:
        """Continue a paused stream."""
        if self.delivery is not None and self.delivery.is_paused:
            self.delivery.resume()
            self._notify_state()
            self.pump()

    def tick(self, now: float) -> None:
        """Send heartbeats and apply limits; `now` is the event loop's time."""
        if self.closed is not None:
            self._abort_if_late(now, self.closed)
            return
        if (limit := self._exceeded(now)) is not None:
            self.end(limit)
            return
        if self.delivery is not None and self.timers.is_heartbeat_due(now):
            self.notify(Heartbeat(head=self.head))
        if self.timers.has_lagged(now, self.lagging) or self.state is not StreamState.LAGGING:
            self._notify_state()

    def end(self, reason: Close) -> None:
        """Send nothing more, and close the connection."""
        if self.closed is not None:
            return
        self.closed = reason
        self._closed_at = self._loop.time()
        self._stop()
        counters.CLOSES.labels(reason.value, reason.name.lower()).inc()
        self._close_connection(reason)

    def leave(self, code: int | None = None) -> None:
        """The connection has closed, with this code if there was one."""
        self.left = code
        self.closed = self.closed or Close.ENDED
        self._stop()

    def _exceeded(self, now: float) -> Close | None:
        unread = self._writer.unread
        # Not only while it watches: the server answers an idle client's protocol pings, too.
        is_full = (
            self.flow.full or unread > 0 or (self.sender.blocked is not None and self.cursor < self.head)
        )
        return self.timers.exceeded(
            now,
            is_idle=self.delivery is None or self.delivery.is_paused,
            full_at=(self.cursor, unread) if is_full else None,
            acknowledges=self.delivery is not None and self.flow.acks,
        )

    def _notify_state(self) -> None:
        if self.state is not self._notified_state and self.delivery is not None:
            self._notified_state = self.state
            self.notify(Stream(state=self.state))

    def _abort_if_late(self, now: float, closed: Close) -> None:
        """Drop the connection of a client that does not answer the close in time."""
        seconds = REVOKED_SECONDS if closed in REVOKED else CLOSE_SECONDS
        if self._closed_at is not None and now - self._closed_at >= seconds:
            self._closed_at = None
            self._writer.abort()

    def fail(self, failure: BaseException) -> None:
        """Log a defect, and close the connection."""
        logger.error(
            "watcher_failed", watcher=str(self.id), conversation=str(self.conversation), exc_info=failure
        )
        self.end(Close.FAULT)

    def _fail_to_send(self, failure: BaseException) -> None:
        match failure:
            case OSError():
                # The client has disconnected; the server will report it.
                self.leave()
            case asyncio.CancelledError():
                self.end(Close.FAULT)
            case _:
                self.fail(failure)

    def _stop(self) -> None:
        self.sender.close()
        if self.delivery is not None:
            self.delivery.stop()
