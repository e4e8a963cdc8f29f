"""The last ten minutes of this process, from a reading of its running totals each second."""

import asyncio
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from operator import sub
from typing import Any, Final, Protocol

from prometheus_client import Counter

from streaming.statistics import counters
from streaming.statistics.counters import FINE_BOUNDS

INTERVAL_SECONDS: Final = 1.0
# Intervals in a sample: five seconds. Samples that are kept: ten minutes.
SAMPLE_INTERVALS: Final = 5
KEPT_SAMPLES: Final = 120
# Latencies are computed over the last minute.
LATENCY_INTERVALS: Final = 60


class Lagging(Protocol):
    @property
    def lagging(self) -> bool: ...


@dataclass(frozen=True)
class Rates:
    """Tokens a second over the last `seconds`: `spoken` were received for conversations that are watched, `delivered`
    were sent to all their watchers together."""

    seconds: float
    spoken: float
    delivered: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds from a token's commit to the log to its acknowledged paint in a browser, over the last `seconds`; at
    most 4.4 % too high. Null where no browser has acknowledged one."""

    seconds: float
    samples: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True)
class Sample:
    """The five seconds up to `time`. `spoken` and `delivered` are tokens a second; `repaired` is how often the channel
    layer had dropped something; `connections` and `lagging` are counted at the end."""

    time: datetime
    connections: int
    lagging: int
    spoken: float
    delivered: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    repaired: int


@dataclass(frozen=True)
class Totals:
    """The running totals at a moment; `at` is seconds of the monotonic clock."""

    at: float = field(default_factory=time.monotonic)
    spoken: int = field(default_factory=lambda: total(counters.TOKENS_SPOKEN))
    delivered: int = field(default_factory=lambda: total(counters.TOKENS_DELIVERED))
    repaired: int = field(default_factory=lambda: total(counters.DROPS_REPAIRED))
    paints: tuple[int, ...] = field(default_factory=lambda: (*counters.fine_paints,))


def total(counter: Counter) -> int:
    """The value of a counter without labels."""
    [family] = counter.collect()
    return int(family.samples[0].value)


def rates(since: Totals, now: Totals) -> Rates:
    seconds = now.at - since.at
    # Over less than a second, a rate would be a guess.
    per = max(seconds, INTERVAL_SECONDS)
    return Rates(
        round(seconds, 1),
        round((now.spoken - since.spoken) / per, 1),
        round((now.delivered - since.delivered) / per, 1),
    )


def latency(since: Totals, now: Totals) -> Latency:
    paints = [*map(sub, now.paints, since.paints)]
    p50, p95, p99 = (percentile_ms(paints, part) for part in (0.50, 0.95, 0.99))
    return Latency(round(now.at - since.at, 1), sum(paints), p50, p95, p99)


def percentile_ms(paints: Sequence[int], part: float) -> float | None:
    """The percentile (`part` is 0 to 1) of the paints in milliseconds: the bound of its bucket, at most the last bound.
    None without paints."""
    if not (count := sum(paints)):
        return None
    place = next(place for place, within in enumerate(accumulate(paints)) if within >= part * count)
    return round(1000 * FINE_BOUNDS[min(place, len(FINE_BOUNDS) - 1)], 1)


class RollingStatistics:
    """Statistics of the running event loop and of these watchers, for the last ten minutes since construction."""

    def __init__(self, watchers: Mapping[Any, Lagging]) -> None:
        self.samples: deque[Sample] = deque(maxlen=KEPT_SAMPLES)
        self._watchers = watchers
        self._totals: deque[Totals] = deque([Totals()], maxlen=LATENCY_INTERVALS + 1)
        self._intervals = 0
        self._schedule()

    def rates(self) -> Rates:
        """Over the last five seconds, or less shortly after the start."""
        return rates(self._totals[-min(SAMPLE_INTERVALS, len(self._totals))], Totals())

    def latency(self) -> Latency:
        """Over the last minute, or less shortly after the start."""
        return latency(self._totals[0], Totals())

    def _schedule(self) -> None:
        # A timer, not a task: it needs no cancellation when the loop ends.
        asyncio.get_running_loop().call_later(INTERVAL_SECONDS, self._tick)

    def _tick(self) -> None:
        self.refresh()
        self._schedule()

    def refresh(self) -> None:
        """Called at the end of each interval: keeps its totals, and every fifth time a sample of the last five
        seconds."""
        self._totals.append(Totals())
        self._intervals += 1
        if self._intervals % SAMPLE_INTERVALS == 0:
            since, now = self._totals[-1 - SAMPLE_INTERVALS], self._totals[-1]
            self.samples.append(_sample(since, now, self._watchers.values()))


def _sample(since: Totals, now: Totals, watchers: Collection[Lagging]) -> Sample:
    tokens, paints = rates(since, now), latency(since, now)
    return Sample(
        time=datetime.now(UTC),
        connections=len(watchers),
        lagging=sum(watcher.lagging for watcher in watchers),
        spoken=tokens.spoken,
        delivered=tokens.delivered,
        p50_ms=paints.p50_ms,
        p95_ms=paints.p95_ms,
        p99_ms=paints.p99_ms,
        repaired=now.repaired - since.repaired,
    )
