"""Text deltas for transports that send plain text: each character once, however the frames are joined."""

from conversations.domain.frames import Frame


class TextDeltas:
    """Takes the frames of a conversation, from its first. Pure."""

    def __init__(self) -> None:
        # How many characters of each message were yielded.
        self._lengths: dict[str, int] = {}

    def take(self, frame: Frame) -> str:
        """The text that the frame adds to its message."""
        data = frame.data
        match frame.type:
            case "token":
                offset, text = data["offset"], data["text"]
            case "agent_message":
                # The whole message, of which only what was not streamed is new.
                offset, text = 0, data["content"]
            case _:
                return ""
        length = self._lengths.get(data["message"], 0)
        new: str = text[max(0, length - offset) :]
        self._lengths[data["message"]] = length + len(new)
        return new

    def discard(self, message: str) -> bool:
        """Forget the message. Returns whether text of it was yielded: sent text cannot be withdrawn."""
        return self._lengths.pop(message, 0) > 0
