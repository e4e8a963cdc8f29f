"""The frames that a client has been sent and has not acknowledged, and their bounds. Pure."""

from collections import deque
from typing import Final

from conversations.domain.frames import Frame

MAX_FRAMES: Final = 1_000
MAX_BYTES: Final = 256 * 1024
# Fractions of the bounds: from HIGH on the client lags and gets whole messages only, until it is below LOW.
HIGH: Final = 0.8
LOW: Final = 0.3


class FlowControl:
    """Counts what is in flight to one client. A client that never acknowledges is not counted; it is bounded by the
    server's send buffer."""

    __slots__ = ("_bytes", "_frames", "acks", "lagging")

    def __init__(self) -> None:
        self.acks = False
        self.lagging = False
        self._frames: deque[tuple[int, int]] = deque()
        self._bytes = 0

    @property
    def level(self) -> float:
        """What is in flight as a fraction of its bound; 1 and above is full."""
        return max(len(self._frames) / MAX_FRAMES, self._bytes / MAX_BYTES)

    @property
    def full(self) -> bool:
        return self.lagging and self.level >= 1

    def sent(self, frame: Frame) -> None:
        if not self.acks:
            return
        self._frames.append((frame.seq, frame.size))
        self._bytes += frame.size
        if self.level >= HIGH:
            self.lagging = True

    def ack(self, seq: int) -> None:
        """The client has received everything up to `seq`. Frames sent before its first ack are not counted."""
        self.acks = True
        while self._frames and self._frames[0][0] <= seq:
            self._bytes -= self._frames.popleft()[1]
        if self.lagging and self.level < LOW:
            self.lagging = False
