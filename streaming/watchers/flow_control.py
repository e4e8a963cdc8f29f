"""How much a watcher has been handed and has not taken yet, against its bounds. Pure."""

from collections import deque
from typing import Final

from streaming.wire.frames import Frame

MAX_FRAMES: Final = 1_000
MAX_BYTES: Final = 256 * 1024
# Of a client that never says what it has taken, behind a server that does not say so either.
MAX_BLIND_BYTES: Final = 1024 * 1024
# Parts of the bounds: from HIGH on whole messages only, below LOW words again.
HIGH: Final = 0.8
LOW: Final = 0.3


class Flow:
    """What is in flight to one watcher. A client that acknowledges is held to what it acknowledges; of one that never
    does, the server's own send buffer is the measure where it is one (`measured`), else all that was sent."""

    __slots__ = ("_bytes", "_frames", "_measured", "acks", "lagging")

    def __init__(self, *, measured: bool) -> None:
        self.acks = False
        self.lagging = False
        self._measured = measured
        self._frames: deque[tuple[int, int]] = deque()
        self._bytes = 0

    @property
    def level(self) -> float:
        """What is in flight, as a part of what may be; 1 and above is full."""
        if self.acks:
            return max(len(self._frames) / MAX_FRAMES, self._bytes / MAX_BYTES)
        return 0.0 if self._measured else self._bytes / MAX_BLIND_BYTES

    @property
    def full(self) -> bool:
        return self.lagging and self.level >= 1

    def put(self, frame: Frame) -> None:
        """The frame has been handed to the server."""
        if self.acks:
            self._frames.append((frame.seq, frame.size))
            self._bytes += frame.size
        elif self._measured:
            return
        else:
            self._bytes += frame.size
        if not self.lagging and self.level >= HIGH:
            self.lagging = True

    def ack(self, seq: int) -> None:
        """The client has taken everything up to `seq`."""
        if not self.acks:
            # Nothing was noted before its first word; a list for those who never say one would cost too much.
            self.acks = True
            self._bytes = 0
        while self._frames and self._frames[0][0] <= seq:
            self._bytes -= self._frames.popleft()[1]
        if self.lagging and self.level < LOW:
            self.lagging = False
