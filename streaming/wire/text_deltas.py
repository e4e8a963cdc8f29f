"""Text deltas for transports that send plain text: each character once, however the frames are joined.

Pure. Sent text cannot be withdrawn, so a discarded message yields a Discarded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Started:
    """A message begins; `data` is that of its `message_start`."""

    message: str
    data: Data


@dataclass(frozen=True)
class Said:
    """The next text of the message."""

    message: str
    text: str


@dataclass(frozen=True)
class Ended:
    """The message is whole; `data` is that of its `agent_message`."""

    message: str
    data: Data


@dataclass(frozen=True)
class Discarded:
    """The message was discarded. `text` is what was yielded of it."""

    message: str
    reason: str
    text: str


@dataclass(frozen=True)
class Other:
    """Any other event."""

    type: str
    data: Data


Speech = Started | Said | Ended | Discarded | Other


class TextDeltas:
    """Turns the events of a conversation, from its first, into text deltas."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def take(self, type_: str, data: Data) -> Iterator[Speech]:
        """The deltas of the next event, or of a frame that stands for several."""
        match type_:
            case "message_start":
                self._said[data["message"]] = ""
                yield Started(data["message"], data)
            case "token":
                yield from self._say(data["message"], data["offset"], data["text"])
            case "agent_message":
                yield from self._say(data["message"], 0, data["content"])
                self._said.pop(data["message"], None)
                yield Ended(data["message"], data)
            case "message_discard":
                yield Discarded(data["message"], data["reason"], self._said.pop(data["message"], ""))
            case _:
                yield Other(type_, data)

    def _say(self, message: str, offset: int, text: str) -> Iterator[Said]:
        said = self._said.get(message, "")
        # Skip the text that was yielded before: a whole message, or a repeated token, may contain it.
        new = text[max(0, len(said) - offset) :]
        if new:
            self._said[message] = said + new
            yield Said(message, new)
