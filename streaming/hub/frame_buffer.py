"""The newest frames of one log, in memory."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from conversations.domain.frames import Frame

# The bounds of the buffer, which all watchers of a conversation share.
MAX_FRAMES = 2_000
MAX_CHARACTERS = 1024 * 1024


class FrameBuffer:
    """The newest frames up to `head`, one for each event and without a gap, bounded by count and size."""

    def __init__(self, head: int) -> None:
        self.head = head
        self._frames: deque[Frame] = deque()
        self._characters = 0

    def add(self, frames: Sequence[Frame]) -> None:
        """Append frames that follow the head without a gap."""
        for frame in frames:
            self._frames.append(frame)
            self._characters += len(frame.data_text)
        self.head = frames[-1].seq
        while len(self._frames) > MAX_FRAMES or (self._characters > MAX_CHARACTERS and len(self._frames) > 1):
            self._characters -= len(self._frames.popleft().data_text)

    def after(self, cursor: int) -> list[Frame] | None:
        """The frames after the cursor, or None if the buffer no longer holds all of them."""
        missing = self.head - cursor
        if missing <= 0:
            return []
        if missing > len(self._frames):
            return None
        newest = list(islice(reversed(self._frames), missing))
        newest.reverse()
        return newest
