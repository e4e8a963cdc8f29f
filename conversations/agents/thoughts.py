"""What a model thinks during a turn, apart from what it says."""

from typing import Final
from uuid import UUID, uuid4

from conversations.agents.event_mapper import PartialMessage

# Messages of thoughts in a turn. Models think before they speak, and after each tool call; a stream that alternates
# between thoughts and speech would otherwise become hundreds of messages. Further thoughts are only signs of life.
MAX_MESSAGES: Final = 8


class Thoughts:
    """The turn's messages of thoughts: one for each time that the model thinks without speaking."""

    def __init__(self) -> None:
        self._messages: dict[UUID, PartialMessage] = {}
        self._current: PartialMessage | None = None

    def current(self) -> PartialMessage | None:
        """The message that the next thought belongs to; None if there are too many."""
        if self._current is None and len(self._messages) < MAX_MESSAGES:
            self._current = PartialMessage(uuid4())
            self._messages[self._current.message] = self._current
        return self._current

    def pause(self) -> None:
        """The model speaks: its next thoughts are another message."""
        self._current = None

    def find(self, message: UUID) -> PartialMessage | None:
        """The message of thoughts with this id."""
        return self._messages.get(message)

    def __bool__(self) -> bool:
        return bool(self._messages)
