"""Compare what the watchers received with what was said (whole, once, in order), and measure the delays."""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

from benchmarks.delivery import wire


@dataclass
class Connection:
    """The bytes received on one connection, in pieces, each with its time (monotonic, ns).

    `joined`: when it had its first frame. `left_at`: the cursor it was left with; what came beyond it is forgotten."""

    joined: int = 0
    left_at: int | None = None
    times: list[int] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)


class Frame(NamedTuple):
    """The decoded part of a frame that is looked at. `stamps` are the moments its text was made of."""

    type: str
    seq: int | None
    after: int
    joined: bool  # it stands for several events
    data: dict[str, Any]
    stamps: tuple[int, ...]


class Frames:
    """Decodes frames, the same bytes once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Frame] = {}

    def decode(self, payload: bytes) -> Frame:
        if (known := self._known.get(payload)) is not None:
            return known
        values = json.loads(payload)
        seq, after = values.get("seq"), values.get("after")
        data = values["data"]
        # A verdict is not streamed, and not made of stamps.
        type_ = "verdict" if data.get("kind") == "final" else values["type"]
        text = data["text"] if type_ == "token" else data.get("content", "")
        frame = Frame(
            type=type_,
            seq=seq,
            after=after if after is not None else (seq or 0) - 1,
            joined=after is not None,
            data=data,
            stamps=tuple(map(int, text.split())) if type_ in {"token", "agent_message"} else (),
        )
        self._known[payload] = frame
        return frame

    def of(self, connection: Connection) -> Iterable[tuple[int, Frame]]:
        """Each frame of a connection, with the time at which the last of it came."""
        data = b"".join(connection.pieces)
        header = data.find(b"\r\n\r\n") + 4
        if header < 4:
            return
        ends = list(accumulate(map(len, connection.pieces)))
        for opcode, end, payload in wire.frames(data, header):
            if opcode == wire.TEXT:
                yield connection.times[bisect_left(ends, end)], self.decode(payload)


@dataclass
class Fold:
    """One watcher's conversation, as a client folds it over all its connections.

    `latencies` (ns) are of tokens made after it had joined; what was said before is history, and comes when asked
    for. `altered`: messages whose words are not, to the byte, the whole ones. `breaches`: frames that do not continue
    what is there. `caught_up`: when it had all that had been said by the time it last joined (monotonic, ns)."""

    head: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    seen: Counter[int] = field(default_factory=Counter)
    latencies: list[int] = field(default_factory=list)
    altered: set[str] = field(default_factory=set)
    breaches: int = 0
    frames: int = 0
    caught_up: int | None = None
    _joined: int = 0

    def follow(self, connection: Connection, frames: Frames) -> None:
        """Take what came on the watcher's next connection."""
        self._joined, self.caught_up = connection.joined, None
        goal = None
        for now, frame in frames.of(connection):
            if frame.type == "hello":
                goal = self._greeted(frame)
            elif frame.seq is not None and (connection.left_at is None or frame.seq <= connection.left_at):
                self._event(now, frame)
            if self.caught_up is None and goal is not None and self.head >= goal:
                self.caught_up = now

    def _greeted(self, frame: Frame) -> int:
        if not frame.data["recovered"]:
            self.head = frame.data["from"]
            if self.head == 0:
                self.texts.clear()
                self.seen.clear()
        return int(frame.data["head"])

    def _event(self, now: int, frame: Frame) -> None:
        assert frame.seq is not None
        self.frames += 1
        if frame.seq <= self.head:
            # A client skips it; it should not have come.
            self.seen.update(frame.stamps if frame.type == "token" else ())
            return
        self.breaches += frame.after != self.head
        self.head = frame.seq
        if frame.type == "token":
            message = frame.data["message"]
            text = self.texts.get(message, "")
            if len(text) != frame.data["offset"]:
                self.altered.add(message)
            self.texts[message] = text + frame.data["text"]
            self._heard(now, frame.stamps)
        elif frame.type == "agent_message":
            self._whole(now, frame)

    def _whole(self, now: int, frame: Frame) -> None:
        message, content = frame.data["message"], frame.data["content"]
        text = self.texts.get(message, "")
        if frame.joined and content.startswith(text):
            self._heard(now, frame.stamps[len(text.split()) :])
        elif text != content:
            self.altered.add(message)
        self.texts[message] = content

    def _heard(self, now: int, stamps: Sequence[int]) -> None:
        self.seen.update(stamps)
        self.latencies += [now - stamp for stamp in stamps if stamp >= self._joined]

    @property
    def doubled(self) -> int:
        return self.seen.total() - len(self.seen)
