"""Sends a conversation's events to one watcher: decides which frames follow its cursor, and whether they may be sent
now.

Nothing is queued for a watcher. It has a cursor, and later events are in the reader's buffer or in the log. So a slow
watcher costs no more than a fast one, and the debate never waits for either.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from conversations.domain.frames import Frame
from streaming.hub.subscription import Subscription
from streaming.statistics import counters
from streaming.watchers.frame_sender import FrameSender
from streaming.wire.close_codes import Close


class Delivery:
    """`cursor` is the seq of the last event sent, `tokens` the number of tokens sent. `task` is set while a task sends,
    which waits for the log or for the rate limit. `end` is called when the whole conversation has been sent."""

    def __init__(self, subscription: Subscription, sender: FrameSender, end: Callable[[Close], None]) -> None:
        self.reader = subscription.reader
        self.cursor = subscription.start
        self.tokens = 0
        self.is_paused = False
        self._sender = sender
        self._end = end
        self._is_stopped = False
        self.task: asyncio.Task[None] | None = None

    def pump(self) -> None:
        """Send the frames that are ready, as far as there is room."""
        raise NotImplementedError

    def resume(self) -> None:
        self.is_paused = False

    def acknowledged(self, seq: int, waited: float) -> None:
        """The client has received everything up to `seq`, `waited` seconds ago."""
        self.pump()

    def stop(self) -> None:
        self._is_stopped = True
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    def _send(self, frame: Frame) -> None:
        self._sender.send(frame)
        self.cursor = frame.seq
        if tokens := frame.token_count:
            self.tokens += tokens
            counters.TOKENS_DELIVERED.inc(tokens)


class LiveDelivery(Delivery):
    """Sends as fast as the client receives, with frames that are due together condensed. `pump` is called whenever new
    frames are ready or there is room again."""

    def __init__(self, subscription: Subscription, sender: FrameSender, end: Callable[[Close], None]) -> None:
        super().__init__(subscription, sender, end)
        # Latency is measured only for events after this seq: earlier ones are older than the connection, or came in a
        # pause.
        self._measured_after = subscription.position.head
        self.reader.fan_out.add(self.pump)

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
                self._end(Close.ENDED)
        except Exception as failure:
            self._sender.fail(failure)

    def resume(self) -> None:
        # Events of the pause are late because the client asked for it: do not measure them.
        self._measured_after = self.reader.head
        super().resume()

    def acknowledged(self, seq: int, waited: float) -> None:
        if seq > self._measured_after:
            self._measured_after = seq
            if (token := self.reader.token(seq)) is not None:
                painted = datetime.now(UTC) - timedelta(seconds=waited)
                counters.painted((painted - token.at).total_seconds())
                self.reader.spans.record("paint", token, painted, self._sender.transport)
        super().acknowledged(seq, waited)

    def stop(self) -> None:
        self.reader.fan_out.remove(self.pump)
        super().stop()

    def _has_next(self) -> bool:
        """Whether a frame after the cursor may be sent now. Checked first, because condensing costs CPU."""
        if self._sender.flow.full:
            return False
        # A lagging client gets no tokens of the message that is being spoken.
        return self.cursor < (self.reader.last_non_token if self._sender.flow.lagging else self.reader.head)

    def _send_all(self, frames: list[Frame]) -> bool:
        """Send the frames. Returns False if there was no room for all of them. Trailing tokens are held back from a
        lagging client until their message is whole."""
        for frame in frames:
            if not self._sender.has_space:
                return False
            if self._sender.flow.lagging and frame.type == "token" and frame.seq >= self.reader.head:
                return True
            self._send(frame)
            if frame.type != "token" and frame.seq > self._measured_after:
                self._measure(frame)
        return True

    def _measure(self, frame: Frame) -> None:
        # Called for events other than tokens only, because tokens are too many.
        now = datetime.now(UTC)
        counters.delivered((now - frame.at).total_seconds())
        if frame.type == "message_start":
            self.reader.spans.record("deliver", frame, now, self._sender.transport)

    async def _send_page(self) -> None:
        """Send a page of the log, for a cursor that is older than the reader's buffer."""
        try:
            frames = await self.reader.pages.condensed_after(self.cursor)
            while not (self.is_paused or self._is_stopped):
                if self._send_all(frames):
                    if frames and self.cursor < frames[-1].seq:
                        return  # held back: the next ack or event pumps
                    break
                if self._sender.blocked is None:
                    return  # full: the next ack pumps, and reads on from the cursor
                await asyncio.wait([self._sender.blocked])
                # If control frames have used the room, the next iteration sends nothing.
                frames = [frame for frame in frames if frame.seq > self.cursor]
        except Exception as failure:
            self._sender.fail(failure)
        finally:
            self.task = None
        self.pump()


class RateLimitedDelivery(Delivery):
    """Sends at most `rate` tokens a second, one frame for each event. A frame is sent after the time that its tokens
    take."""

    def __init__(
        self, subscription: Subscription, sender: FrameSender, end: Callable[[Close], None], rate: float
    ) -> None:
        super().__init__(subscription, sender, end)
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
                    await self._wait_for_space()
                    self._send(frame)
            self._end(Close.ENDED)
        except Exception as failure:
            self._sender.fail(failure)

    async def _wait_for_space(self) -> None:
        """Return once the stream is not paused and the connection has space."""
        while self.is_paused or not self._sender.has_space:
            self._changed.clear()
            await self._changed.wait()
