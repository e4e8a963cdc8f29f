"""Passes frames to a connection's writer, within the bounds of flow control, and queues control frames while the writer
is blocked."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from conversations.domain.frames import Frame
from streaming.watchers.flow_control import FlowControl
from streaming.watchers.writers import Write, filtered

# Control frames that are queued while the writer is blocked; further ones are dropped.
MAX_WAITING: Final = 20


class FrameSender:
    """`frames` and `bytes` count what has been sent. While `blocked` is set, the writer accepts no frame; afterwards
    `resume` is called, or `fail` with the server's exception."""

    def __init__(
        self,
        transport: str,
        write: Write,
        resume: Callable[[], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self.transport = transport
        self.flow = FlowControl()
        self.frames = 0
        self.bytes = 0
        self.blocked: asyncio.Future[Any] | None = None
        self.fail = fail
        self._pass_on = filtered(transport, write)
        self._resume = resume
        self._waiting: deque[Frame] = deque()

    @property
    def has_space(self) -> bool:
        """Whether an event may be sent now."""
        return self.blocked is None and not self.flow.full

    def send(self, frame: Frame) -> None:
        """Send an event; only while `blocked` is None. Raises the server's exception."""
        self._write(frame)
        self.flow.sent(frame)

    def _write(self, frame: Frame) -> None:
        self.frames += 1
        self.bytes += frame.size
        taken = self._pass_on(frame)
        if taken is not None:
            self.blocked = taken
            taken.add_done_callback(self._taken)

    def send_control(self, frame: Frame) -> None:
        """Send a control frame, or queue it while `blocked` is set. Raises the server's exception."""
        if self.blocked is None:
            self._write(frame)
        elif frame.type != "heartbeat" and len(self._waiting) < MAX_WAITING:
            # A late heartbeat would be useless, so none is queued.
            self._waiting.append(frame)

    def close(self) -> None:
        self._waiting.clear()

    def _taken(self, taken: "asyncio.Future[Any]") -> None:
        self.blocked = None
        try:
            taken.result()
            while self._waiting and self.blocked is None:
                self._write(self._waiting.popleft())
        except (Exception, asyncio.CancelledError) as failure:
            self.fail(failure)
        else:
            self._resume()
