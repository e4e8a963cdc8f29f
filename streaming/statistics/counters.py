"""What this process has delivered, as running totals. Everything here is counted where it happens."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from conversations.infrastructure.metrics import Histogram

# Steps of the paint latencies, to a doubling: a figure read from their counts is at most 4.4 % too high.
STEPS: Final = 16
# Upper bounds in seconds, from a millisecond to a minute; what takes longer is counted after the last.
BOUNDS: Final = tuple(0.001 * 2 ** (step / STEPS) for step in range(16 * STEPS + 1))


@dataclass
class Measures:
    """`spoken`: tokens that came in for conversations that are watched; `delivered`: tokens handed to watchers;
    `repaired`: how often a channel layer had left something out; `pages`: looks into the log for those who were behind;
    `closed`: connections that the server closed, by code; `paints`: how often the time from the log to a browser's
    paint lay within each of BOUNDS, and beyond the last; `paint_seconds`: their sum; `deliveries`: seconds from the
    log's taking of an event that is no token to its handing over to a watcher's connection."""

    spoken: int = 0
    delivered: int = 0
    repaired: int = 0
    pages: int = 0
    closed: Counter[int] = field(default_factory=Counter)
    paints: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    paint_seconds: float = 0.0
    deliveries: Histogram = field(default_factory=lambda: Histogram(BOUNDS[::STEPS]))


MEASURES = Measures()


def painted(seconds: float) -> None:
    """A browser has painted a token, so long after the log had taken it."""
    took = max(0.0, seconds)
    MEASURES.paints[bisect_left(BOUNDS, took)] += 1
    MEASURES.paint_seconds += took


def delivered(seconds: float) -> None:
    """An event that is no token has been handed to a watcher, so long after the log had taken it."""
    MEASURES.deliveries.add(max(0.0, seconds))
