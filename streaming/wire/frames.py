"""Frames as they leave: encoded once, however many watch, and joined where several are due at once.

Pure. A frame that stands for several events folds to what they fold to: neighbouring tokens of a message become one
token, and a message that has ended needs none of its tokens.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from conversations.domain.events import Entry


@dataclass(frozen=True)
class Frame(Entry):
    """What follows the event `after` (0: the beginning), up to `seq`. `brings` counts the tokens that a whole message
    stands for."""

    after: int
    brings: int = 0

    # A window keeps thousands of these, so only what every delivery needs is kept.

    @property
    def at(self) -> datetime:
        """When the log took it."""
        # What the frame itself says comes before anything a person or a model wrote.
        start = self.text.index('"at":"') + 6
        return datetime.fromisoformat(self.text[start : self.text.index('"', start)])

    @cached_property
    def size(self) -> int:
        """In bytes."""
        return len(self.text) if self.text.isascii() else len(self.text.encode())

    @cached_property
    def message(self) -> dict[str, str]:
        """The ASGI message that sends it over a WebSocket. Shared: whoever gets it must not change it."""
        return {"type": "websocket.send", "text": self.text}

    @cached_property
    def octets(self) -> bytes:
        """It as one WebSocket text frame. A server's frames carry no mask, so they are the same for every client."""
        return websocket_octets(self.text.encode())

    @cached_property
    def token_count(self) -> int:
        """How many tokens it brings that no frame before it has brought."""
        return int(json.loads(self.text)["data"]["token_count"]) if self.type == "token" else self.brings


def websocket_octets(payload: bytes) -> bytes:
    """A text frame of RFC 6455, final and unmasked."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def framed(entries: Iterable[Entry]) -> list[Frame]:
    """Each entry as the frame it is stored as."""
    return [Frame(entry.seq, entry.type, entry.text, entry.seq - 1) for entry in entries]


def condense(frames: Sequence[Frame]) -> list[Frame]:
    """As few frames as say the same: of a message that has ended only the whole, neighbouring tokens as one."""
    if len(frames) < 2:
        return [*frames]
    condensed: list[Frame] = []
    tokens: list[Frame] = []
    for frame in frames:
        if frame.type == "token":
            if tokens and not _continues(tokens[-1].data, frame.data):
                condensed.append(_joined(tokens))
                tokens = []
            tokens.append(frame)
            continue
        if tokens:
            if frame.type == "agent_message" and _replaces(frame.data, tokens[-1].data):
                frame = standing_for(frame, tokens[0].after)
            else:
                condensed.append(_joined(tokens))
            tokens = []
        condensed.append(frame)
    if tokens:
        condensed.append(_joined(tokens))
    return condensed


def _continues(before: dict[str, Any], token: dict[str, Any]) -> bool:
    end = before["offset"] + len(before["text"])
    return bool(before["message"] == token["message"] and end == token["offset"])


def _replaces(whole: dict[str, Any], token: dict[str, Any]) -> bool:
    # Without its count, the fold would still have to add up the tokens.
    return bool(whole["message"] == token["message"]) and whole.get("token_count") is not None


def _joined(tokens: Sequence[Frame]) -> Frame:
    if len(tokens) == 1:
        return tokens[0]
    first, last = tokens[0], tokens[-1]
    data = {
        **last.data,
        "offset": first.data["offset"],
        "text": "".join(token.data["text"] for token in tokens),
        "token_count": sum(token.data["token_count"] for token in tokens),
    }
    head = last.text[: last.text.index(',"data":')]
    encoded = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    whole = Frame(last.seq, "token", f'{head},"data":{encoded}}}', last.after)
    return standing_for(whole, first.after)


def standing_for(frame: Frame, after: int, brings: int = 0) -> Frame:
    """The frame for everything that follows `after`, up to it."""
    own = f'"seq":{frame.seq},'
    # What the frame itself says comes before anything a person or a model wrote.
    at = frame.text.index(own) + len(own)
    rest = frame.text[at:]
    if frame.after != frame.seq - 1:
        rest = rest.removeprefix(f'"after":{frame.after},')
    return Frame(frame.seq, frame.type, f'{frame.text[:at]}"after":{after},{rest}', after, brings)
