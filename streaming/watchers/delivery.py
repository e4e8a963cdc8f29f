"""Sends a conversation's events to one watcher, from its cursor on: what comes next, and whether it may be sent now.

Nothing is queued for a watcher. It holds a cursor; what follows is in the reader's buffer or in the log, so that a slow
watcher costs the same as a fast one, and the debate never waits for either.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from conversations.domain.frames import Frame
from streaming.hub.subscription import Subscription
from streaming.statistics import counters
from streaming.watchers.flow_control import FlowControl
from streaming.watchers.frame_sender import FrameSender
from streaming.wire.close_codes import Close


@dataclass(frozen=True)
class Destination:
    """Where a delivery sends: by which transport and sender, within which bounds. `end` is called when all of it has
    been sent, `fail` with what went wrong."""

    transport: str
    sender: FrameSender
    flow: FlowControl
    end: Callable[[Close], None]
    fail: Callable[[BaseException], None]


class Delivery:
    """`cursor` is the seq of the last event that was sent; `tokens` counts those that were sent. `task` is set while
    one sends, as long as that waits for the log or for time."""

    def __init__(self, subscription: Subscription, destination: Destination) -> None:
        self.reader = subscription.reader
        self.cursor = subscription.start
        self.tokens = 0
        self.is_paused = False
        self._destination = destination
        self._sender = destination.sender
        self._flow = destination.flow
        self._is_stopped = False
        self.task: asyncio.Task[None] | None = None

    def pump(self) -> None:
        """Send what is ready, as far as there is room."""
        raise NotImplementedError

    def pause(self) -> None:
        """Send nothing until `resume`."""
        self.is_paused = True

    def resume(self) -> None:
        """Let `pump` send again."""
        self.is_paused = False

    def acknowledged(self, seq: int, waited: float) -> None:
        """The client has taken everything up to `seq`, `waited` seconds ago."""
        self.pump()

    def stop(self) -> None:
        """Send nothing more."""
        self._is_stopped = True
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    def _send(self, frame: Frame) -> None:
        self._sender.send(frame)
        self.cursor = frame.seq
        if tokens := frame.token_count:
            self.tokens += tokens
            counters.TOKENS_DELIVERED.inc(tokens)
        self._flow.sent(frame)


class LiveDelivery(Delivery):
    """As fast as the client takes it: frames that are due together are joined. `pump` is called whenever something new
    is ready, or there is room again."""

    def __init__(self, subscription: Subscription, destination: Destination) -> None:
        super().__init__(subscription, destination)
        # Latency is measured of later events only: these were there before the client, or while it had paused.
        self._measured_after = subscription.position.head
        self.reader.serve(self)

    def pump(self) -> None:
        if self.is_paused or self._is_stopped or self._sender.blocked is not None or self.task is not None:
            return
        reader = self.reader
        try:
            if self._has_next():
                frames = reader.ready(self.cursor)
                if frames is None:
                    self.task = asyncio.create_task(self._send_page())
                    return
                self._send_all(frames)
            if reader.ended and self.cursor == reader.head and self._sender.blocked is None:
                self._destination.end(Close.ENDED)
        except Exception as failure:
            self._destination.fail(failure)

    def resume(self) -> None:
        # What came in the pause is painted late because the client asked for it.
        self._measured_after = self.reader.head
        super().resume()

    def acknowledged(self, seq: int, waited: float) -> None:
        if seq > self._measured_after:
            self._measured_after = seq
            if (token := self.reader.token(seq)) is not None:
                at, painted = token.at, datetime.now(UTC) - timedelta(seconds=waited)
                counters.painted((painted - at).total_seconds())
                self.reader.spans.painted(token, at, painted, self._destination.transport)
        super().acknowledged(seq, waited)

    def stop(self) -> None:
        self.reader.dismiss(self)
        super().stop()

    def _has_next(self) -> bool:
        """Whether anything that follows may be sent now. If not, it is not even joined."""
        if self._flow.full:
            return False
        # A client that lags gets, until its next ack, only what ends with a whole message.
        return self.cursor < (self.reader.whole if self._flow.lagging else self.reader.head)

    def _send_all(self, frames: list[Frame]) -> bool:
        """Send the frames. Whether all of them were, or are held back until their message is whole."""
        for frame in frames:
            if self._sender.blocked is not None or self._flow.full:
                return False
            if self._flow.lagging and frame.type == "token" and frame.seq >= self.reader.head:
                return True
            self._send(frame)
            if frame.type != "token" and frame.seq > self._measured_after:
                self._measure(frame)
        return True

    def _measure(self, frame: Frame) -> None:
        # Not of tokens: there are too many.
        at, now = frame.at, datetime.now(UTC)
        counters.delivered((now - at).total_seconds())
        self.reader.spans.handed_over(frame, at, now, self._destination.transport)

    async def _send_page(self) -> None:
        """Send what is not in memory any more, a page of the log."""
        try:
            frames = await self.reader.condensed_page(self.cursor)
            while not (self.is_paused or self._is_stopped):
                if self._send_all(frames):
                    if frames and self.cursor < frames[-1].seq:
                        return  # held back: the next ack or event pumps
                    break
                if self._sender.blocked is None:
                    return  # full: the next ack pumps, and reads on from the cursor
                await asyncio.wait([self._sender.blocked])
                # Control frames may have taken the room meanwhile; then nothing is sent in the next turn.
                frames = [frame for frame in frames if frame.seq > self.cursor]
        except Exception as failure:
            self._destination.fail(failure)
        finally:
            self.task = None
        self.pump()


class RateLimitedDelivery(Delivery):
    """At most `rate` tokens a second, each event as it is stored: a token is sent when its time has passed."""

    def __init__(self, subscription: Subscription, destination: Destination, rate: float) -> None:
        super().__init__(subscription, destination)
        self._rate = rate
        self._changed = asyncio.Event()
        self.task = asyncio.create_task(self._work())

    def pump(self) -> None:
        self._changed.set()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while frames := await self.reader.after(self.cursor):
                for frame in frames:
                    due = max(due, loop.time()) + frame.token_count / self._rate
                    await asyncio.sleep(due - loop.time())
                    await self._room()
                    self._send(frame)
            self._destination.end(Close.ENDED)
        except Exception as failure:
            self._destination.fail(failure)

    async def _room(self) -> None:
        """Return once the stream is not paused, and the client takes more."""
        while self.is_paused or self._sender.blocked is not None or self._flow.full:
            self._changed.clear()
            await self._changed.wait()
