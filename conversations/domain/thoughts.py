"""Which frames are of thoughts, for transports that send those apart from what is said, or not at all."""

from conversations.domain.enums import Kind
from conversations.domain.frames import Frame

_OF_MESSAGES = frozenset({"message_start", "token", "agent_message", "message_discard"})


class Thoughts:
    """Takes the frames of a conversation, from its first. Pure."""

    def __init__(self) -> None:
        self._messages: set[str] = set()

    def has(self, frame: Frame) -> bool:
        """Whether the frame is of a message of kind `thinking`."""
        if frame.type not in _OF_MESSAGES:
            return False
        if frame.type == "message_start" and frame.data["kind"] == Kind.THINKING:
            self._messages.add(frame.data["message"])
        return frame.data["message"] in self._messages
