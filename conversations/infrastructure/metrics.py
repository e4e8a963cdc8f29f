"""What this process has done for its debates, as running totals. Everything here is counted where it happens."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from conversations.domain.events import Usage

# A model of a provider.
Model = tuple[str, str]


class Histogram:
    """How often a value lay within each of the ascending `bounds`, and beyond the last; and their sum. One thread
    writes."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


# Half a millisecond to half a minute.
COMMIT_SECONDS: Final = [0.0005 * 2**step for step in range(17)]
# One to what a batch may hold.
COMMIT_ROWS: Final = [2.0**step for step in range(12)]


# What becomes of runs: they take up a debate that is new, or that another run has left or lost; and end with it, fail,
# leave it to another, are shut out by another, or can store nothing any more.
RUNS: Final = ("claimed", "adopted", "ended", "failed", "left", "fenced", "lost_log")


@dataclass
class Tally:
    """`runs`: what became of runs, by the names of RUNS; `turns`: by model, and `spoken` or the code of the failure;
    `tokens`: by model, and `input` or `output`; `usd` by model. Turns whose tokens or price nobody knows are in
    `unmetered` and `unpriced`, and not in those. `appends`: what was handed to the log's writer; `commit_seconds` and
    `commit_rows`: how long each of its commits took, and how many rows it had."""

    runs: Counter[str] = field(default_factory=Counter)
    turns: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    tokens: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    unmetered: Counter[Model] = field(default_factory=Counter)
    usd: defaultdict[Model, float] = field(default_factory=lambda: defaultdict(float))
    unpriced: Counter[Model] = field(default_factory=Counter)
    appends: int = 0
    commit_seconds: Histogram = field(default_factory=lambda: Histogram(COMMIT_SECONDS))
    commit_rows: Histogram = field(default_factory=lambda: Histogram(COMMIT_ROWS))


TALLY: Final = Tally()
# What this process is: `web` or `worker`.
role = "web"


def spoken(provider: str, model: str, usage: Usage, usd: float | None) -> None:
    """A turn has been spoken to its end."""
    TALLY.turns[provider, model, "spoken"] += 1
    known = {"input": usage.input_tokens, "output": usage.output_tokens}
    for direction, tokens in known.items():
        if tokens is not None:
            TALLY.tokens[provider, model, direction] += tokens
    if None in known.values():
        TALLY.unmetered[provider, model] += 1
    if usd is None:
        TALLY.unpriced[provider, model] += 1
    else:
        TALLY.usd[provider, model] += usd


def failed(provider: str, model: str, code: str) -> None:
    """A turn has failed, or was ended. What it took is not known."""
    TALLY.turns[provider, model, code] += 1


def committed(seconds: float, appends: int, rows: int) -> None:
    """The log's writer has stored a batch."""
    TALLY.appends += appends
    TALLY.commit_seconds.add(seconds)
    TALLY.commit_rows.add(rows)
