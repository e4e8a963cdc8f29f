"""Frames: the events of a log as they are stored, announced and sent.

A frame holds an event's data as a Python object, and encodes it at most once, however many read it. A frame may stand
for several events: neighbouring tokens are joined to one token, and a message that has ended needs none of its tokens.
Both fold to the same state as the events they replace. Pure.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol, Self, TypeVar
from uuid import UUID

from django.utils.functional import cached_property
from pydantic_core import to_json

from conversations.domain.enums import TERMINAL

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Frame:
    """What follows event `after` (0: the beginning), up to event `seq`, as one event of this type and data.

    `at` is when the log took the newest of them. A frame whose `after` is its `seq` is not part of the log, and comes
    after event `seq`; it travels with a null seq. `conversation` is null before one has begun. `data` is JSON-ready and
    shared, and must not be changed."""

    seq: int
    type: str
    conversation: UUID | None
    at: datetime
    data: Data
    after: int

    @classmethod
    def of_event(cls, seq: int, type_: str, conversation: UUID, at: datetime, data: Data) -> Self:
        """Event `seq` of a conversation, alone."""
        return cls(seq, type_, conversation, at, data, seq - 1)

    @classmethod
    def decode(cls, text: str, conversation: UUID) -> Self:
        """The frame of an event of the conversation that another process encoded as `text`."""
        fields = json.loads(text)
        at = datetime.fromisoformat(fields["at"])
        frame = cls.of_event(fields["seq"], fields["type"], conversation, at, fields["data"])
        # It is not encoded again; and fields that only a newer version knows stay in it.
        frame.__dict__["text"] = text
        return frame

    @property
    def is_stored(self) -> bool:
        """Whether it is part of the log."""
        return self.after < self.seq

    @property
    def is_last(self) -> bool:
        """Whether nothing follows: a terminal status."""
        return self.type == "status" and self.data["status"] in TERMINAL

    @property
    def token_count(self) -> int:
        """Tokens in it; 0 for anything but a token."""
        return int(self.data["token_count"]) if self.type == "token" else 0

    @cached_property
    def data_text(self) -> str:
        """`data`, encoded as JSON."""
        return to_json(self.data).decode()

    @cached_property
    def text(self) -> str:
        """The frame as it travels: JSON with `type`, `seq`, `after` where it stands for several events, `conversation`,
        `at` (UTC, microseconds) and `data`."""
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
        """Of `text` in UTF-8, in bytes."""
        return len(self.text) if self.text.isascii() else len(self.text.encode())

    @cached_property
    def message(self) -> dict[str, str]:
        """The ASGI message that sends it over a WebSocket. Shared; must not be changed."""
        return {"type": "websocket.send", "text": self.text}

    @cached_property
    def octets(self) -> bytes:
        """It as one WebSocket text frame (RFC 6455), final and unmasked: the same for every client of a server."""
        payload = self.text.encode()
        size = len(payload)
        if size < 126:
            return bytes((0x81, size)) + payload
        if size < 1 << 16:
            return b"\x81\x7e" + size.to_bytes(2) + payload
        return b"\x81\x7f" + size.to_bytes(8) + payload

    def covering(self, after: int) -> "Frame":
        """The frame in place of everything that follows `after`, up to it."""
        return self if after == self.after else replace(self, after=after)


def condense(frames: Sequence[Frame]) -> list[Frame]:
    """As few frames as fold to the same: neighbouring tokens as one, and none of a message's tokens directly before the
    whole message."""
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
    # Without its own token count, folding a message needs the counts of its tokens.
    return (
        frame.type == "agent_message"
        and bool(frame.data["message"] == token.data["message"])
        and frame.data.get("token_count") is not None
    )


class HasData(Protocol):
    """An event, in the log or on its way there."""

    @property
    def type(self) -> str: ...

    @property
    def data(self) -> Data: ...


Event = TypeVar("Event", bound=HasData)


def neighbours(events: Iterable[Event]) -> Iterator[list[Event]]:
    """The events in order, in groups: tokens of which each continues the one before it, and any other event alone."""
    tokens: list[Event] = []
    for event in events:
        if tokens and not (event.type == "token" and _continues(tokens[-1].data, event.data)):
            yield tokens
            tokens = []
        if event.type == "token":
            tokens.append(event)
        else:
            yield [event]
    if tokens:
        yield tokens


def _continues(before: Data, token: Data) -> bool:
    end = before["offset"] + len(before["text"])
    return bool(before["message"] == token["message"] and end == token["offset"])


def join(tokens: Sequence[Data]) -> Data:
    """The data of one token in place of these, of which each continues the one before it."""
    first, last = tokens[0], tokens[-1]
    if len(tokens) == 1:
        return first
    return {
        **last,
        "offset": first["offset"],
        "text": "".join([token["text"] for token in tokens]),
        "token_count": sum([token["token_count"] for token in tokens]),
    }
