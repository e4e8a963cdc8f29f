"""Parses a stream of server-sent events as it arrives. Pure.

It accepts what servers really send: any line end, comments, events without data, and a last event without the empty
line that should follow it.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

# 4 MiB: about ten times the longest answer in one event; the rest is a server that does not end.
MAX_EVENT_BYTES: Final = 4 << 20


class ServerEvent(NamedTuple):
    """`name` is empty if the server gave none. `lines` are the values of its data lines, without surrounding space."""

    name: str
    lines: tuple[bytes, ...]


class EventTooLarge(Exception):
    """An event is larger than MAX_EVENT_BYTES."""


class EventStream:
    """`feed` it pieces of any size; `end` after the last one."""

    def __init__(self) -> None:
        # A line that has no end yet. It grows in place: a server may send it in single bytes.
        self._rest = bytearray()
        self._name = ""
        self._lines: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[ServerEvent]:
        """The events that this piece completes. Raises EventTooLarge."""
        if b"\r" in piece:
            # A pair that two pieces divide becomes an empty line more, which ends no event twice.
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" in piece:
            *lines, rest = (bytes(self._rest) + piece).split(b"\n")
            self._rest = bytearray(rest)
            for line in lines:
                if line:
                    self._take(line)
                elif self._lines:
                    yield self._event()
        else:
            self._rest += piece
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise EventTooLarge

    def end(self) -> Iterator[ServerEvent]:
        """The event that nothing has completed, if there is one."""
        if self._rest:
            self._take(bytes(self._rest))
        if self._lines:
            yield self._event()

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"data":
            self._lines.append(value.strip())
            # With its name: lines without a value, too, take memory.
            self._size += len(line)
        elif field == b"event":
            self._name = value.strip().decode("utf-8", "replace")

    def _event(self) -> ServerEvent:
        event = ServerEvent(self._name, tuple(self._lines))
        self._name, self._lines, self._size = "", [], 0
        return event
