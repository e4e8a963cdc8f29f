"""The newest entries of one log, in memory."""

from collections import deque
from collections.abc import Sequence

from conversations.events import Entry

# What a conversation's newest entries may hold, for all its watchers together.
MAX_ENTRIES = 2_000
MAX_CHARACTERS = 1024 * 1024


class Window:
    """The newest entries up to `head`, without a gap, bounded by count and size."""

    def __init__(self, head: int) -> None:
        self.head = head
        self._entries: deque[Entry] = deque()
        self._characters = 0

    def add(self, entries: Sequence[Entry]) -> None:
        """Append entries that continue at the head."""
        for entry in entries:
            self._entries.append(entry)
            self._characters += len(entry.text)
        self.head = entries[-1].seq
        while len(self._entries) > MAX_ENTRIES or (
            self._characters > MAX_CHARACTERS and len(self._entries) > 1
        ):
            self._characters -= len(self._entries.popleft().text)

    def after(self, cursor: int) -> list[Entry] | None:
        """What follows the cursor, or None where that is not all here."""
        missing = self.head - cursor
        if missing <= 0:
            return []
        if missing > len(self._entries):
            return None
        return [self._entries[place] for place in range(-missing, 0)]
