"""Passes frames to a connection's writer, and queues control frames while the writer is blocked."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from conversations.domain.frames import Frame
from streaming.watchers.writers import ConnectionWriter

# Control frames that are queued while the writer is blocked; further ones are dropped.
MAX_WAITING: Final = 20


class FrameSender:
    """`frames` and `bytes` count what has been sent. While `blocked` is set, the writer accepts no frame; afterwards
    `on_room` is called, or `on_failure` with the server's exception."""

    def __init__(
        self,
        writer: ConnectionWriter,
        on_room: Callable[[], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self.frames = 0
        self.bytes = 0
        self.blocked: asyncio.Future[Any] | None = None
        self._writer = writer
        self._on_room = on_room
        self._on_failure = on_failure
        self._waiting: deque[Frame] = deque()

    def send(self, frame: Frame) -> None:
        """Send a frame; only while `blocked` is None. Raises the server's exception."""
        self.frames += 1
        self.bytes += frame.size
        taken = self._writer.write(frame)
        if taken is not None:
            self.blocked = taken
            taken.add_done_callback(self._taken)

    def send_control(self, frame: Frame) -> None:
        """Send a control frame, or queue it while `blocked` is set. Raises the server's exception."""
        if self.blocked is None:
            self.send(frame)
        elif frame.type != "heartbeat" and len(self._waiting) < MAX_WAITING:
            # A late heartbeat would be useless, so none is queued.
            self._waiting.append(frame)

    @property
    def unread(self) -> int:
        """Bytes that the client has not made room for, as far as the server tells; else 0."""
        return self._writer.unread

    def close(self) -> None:
        self._waiting.clear()

    def abort(self) -> None:
        self._writer.abort()

    def _taken(self, taken: "asyncio.Future[Any]") -> None:
        self.blocked = None
        try:
            taken.result()
            while self._waiting and self.blocked is None:
                self.send(self._waiting.popleft())
        except (Exception, asyncio.CancelledError) as failure:
            self._on_failure(failure)
        else:
            self._on_room()
