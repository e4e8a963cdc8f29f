"""Frames: the events of a log as they are stored, announced and sent.

A frame holds an event's data as a Python object, and encodes it at most once, however many watchers get it. A frame may
stand for several events: neighbouring tokens are joined to one token, and the tokens of a message that has ended are
left out. Both fold to the same state as the events they replace. Pure.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from django.utils.functional import cached_property
from pydantic_core import to_json

from conversations.domain.enums import TERMINAL

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Frame:
    """The events after seq `after` (0: from the first) up to `seq`, as one event of this type and data.

    `at` is when the newest of them was stored. A frame with `after` equal to `seq` is not part of the log: it is sent
    after event `seq`, with a null seq. `conversation` is None before one has started. `data` is JSON-ready and shared,
    and must not be changed."""

    seq: int
    type: str
    conversation: UUID | None
    at: datetime
    data: Data
    after: int

    @classmethod
    def of_event(cls, seq: int, type_: str, conversation: UUID, at: datetime, data: Data) -> Self:
        """The frame of the single event `seq`."""
        return cls(seq, type_, conversation, at, data, seq - 1)

    @classmethod
    def decode(cls, text: str, conversation: UUID) -> Self:
        """The frame of an event of the conversation that was encoded as `text`, by this or another process."""
        fields = json.loads(text)
        at = datetime.fromisoformat(fields["at"])
        frame = cls.of_event(fields["seq"], fields["type"], conversation, at, fields["data"])
        # Keep the text: it need not be encoded again, and it may have fields that only a newer version knows.
        frame.__dict__["text"] = text
        return frame

    @property
    def is_stored(self) -> bool:
        """Whether the frame is part of the log."""
        return self.after < self.seq

    @property
    def is_last(self) -> bool:
        """Whether the frame is a terminal status, after which nothing follows."""
        return self.type == "status" and self.data["status"] in TERMINAL

    @property
    def token_count(self) -> int:
        """The number of tokens in a token frame; 0 for other types."""
        return int(self.data["token_count"]) if self.type == "token" else 0

    @cached_property
    def data_text(self) -> str:
        """`data`, encoded as JSON."""
        return to_json(self.data).decode()

    @cached_property
    def text(self) -> str:
        """The encoded frame: JSON with `type`, `seq`, `after` if it stands for several events, `conversation`, `at`
        (UTC, microseconds) and `data`."""
        seq = str(self.seq) if self.is_stored else "null"
        after = f'"after":{self.after},' if self.after < self.seq - 1 else ""
        conversation = "null" if self.conversation is None else f'"{self.conversation}"'
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
        return (
            f'{{"type":"{self.type}","seq":{seq},{after}"conversation":{conversation},"at":"{at}Z",'
            f'"data":{self.data_text}}}'
        )

    @cached_property
    def size(self) -> int:
        """The size of `text` in UTF-8, in bytes."""
        return len(self.text) if self.text.isascii() else len(self.text.encode())

    @cached_property
    def message(self) -> dict[str, str]:
        """The ASGI message that sends the frame over a WebSocket. It is shared and must not be changed."""
        return {"type": "websocket.send", "text": self.text}

    @cached_property
    def octets(self) -> bytes:
        """The bytes of one WebSocket text frame (RFC 6455), final and unmasked, the same for every client."""
        payload = self.text.encode()
        size = len(payload)
        if size < 126:
            return bytes((0x81, size)) + payload
        if size < 1 << 16:
            return b"\x81\x7e" + size.to_bytes(2) + payload
        return b"\x81\x7f" + size.to_bytes(8) + payload

    def covering(self, after: int) -> "Frame":
        """This frame, standing for all events after seq `after`."""
        return self if after == self.after else replace(self, after=after)


def condense(frames: Sequence[Frame]) -> list[Frame]:
    """Fewer frames that fold to the same state: neighbouring tokens are joined, and a message's tokens directly before
    the whole message are left out."""
    if len(frames) < 2:
        return [*frames]
    condensed: list[Frame] = []
    tokens: list[Frame] = []
    for group in neighbours(frames):
        if tokens:
            if _replaces(group[0], tokens[-1]):
                group = [group[0].covering(tokens[0].after)]
            else:
                condensed.append(_joined(tokens))
        tokens = group if group[0].type == "token" else []
        if not tokens:
            condensed.extend(group)
    if tokens:
        condensed.append(_joined(tokens))
    return condensed


def _joined(tokens: Sequence[Frame]) -> Frame:
    if len(tokens) == 1:
        return tokens[0]
    return replace(tokens[-1], after=tokens[0].after, data=join([token.data for token in tokens]))


def _replaces(frame: Frame, token: Frame) -> bool:
    # A message without a token count of its own needs its tokens, whose counts are summed.
    return (
        frame.type == "agent_message"
        and bool(frame.data["message"] == token.data["message"])
        and frame.data.get("token_count") is not None
    )


def neighbours(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Groups of the frames, in order: a run of tokens of which each continues the one before it, or any other single
    frame."""
    tokens: list[Frame] = []
    for frame in frames:
        if tokens and not (frame.type == "token" and _continues(tokens[-1].data, frame.data)):
            yield tokens
            tokens = []
        if frame.type == "token":
            tokens.append(frame)
        else:
            yield [frame]
    if tokens:
        yield tokens


def _continues(before: Data, token: Data) -> bool:
    end = before["offset"] + len(before["text"])
    return bool(before["message"] == token["message"] and end == token["offset"])


def join(tokens: Sequence[Data]) -> Data:
    """The data of one token in place of these tokens, of which each continues the one before it."""
    first, last = tokens[0], tokens[-1]
    if len(tokens) == 1:
        return first
    return {
        **last,
        "offset": first["offset"],
        "text": "".join([token["text"] for token in tokens]),
        "token_count": sum([token["token_count"] for token in tokens]),
    }
