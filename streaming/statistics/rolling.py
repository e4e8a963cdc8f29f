"""A process's last ten minutes, seen by a look at its running totals each second. Nothing is counted for it."""

import asyncio
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from operator import sub
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from streaming.statistics.counters import BOUNDS, MEASURES

LOOK_SECONDS: Final = 1.0
# Looks to a sample: five seconds. And samples that are kept: ten minutes.
STEP: Final = 5
KEPT: Final = 120
# Looks that are kept: a minute, over which latencies are told.
LOOKS: Final = 60


class Lagging(Protocol):
    @property
    def lagging(self) -> bool: ...


@dataclass(frozen=True)
class Rates:
    """Tokens a second over the last `seconds`: that came in, and that were handed to all watchers together."""

    seconds: float
    spoken: float
    delivered: float


@dataclass(frozen=True)
class Latency:
    """From the log's taking of a token to its acknowledged paint in a browser, over the last `seconds`: at most 4.4 %
    too high. Null where no browser has told of a paint."""

    seconds: float
    samples: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True)
class Sample:
    """Five seconds, up to `time`. Tokens are a second's; `repaired` is how many drops were; `connections` and `lagging`
    are counted at its end."""

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
class Look:
    """The running totals at a moment, by the monotonic clock."""

    at: float
    spoken: int
    delivered: int
    repaired: int
    paints: tuple[int, ...]

    @classmethod
    def now(cls) -> "Look":
        totals = MEASURES
        return cls(time.monotonic(), totals.spoken, totals.delivered, totals.repaired, tuple(totals.paints))


def rates(since: Look, now: Look) -> Rates:
    seconds = now.at - since.at
    # A moment is no measure of a second.
    per = max(seconds, LOOK_SECONDS)
    return Rates(
        round(seconds, 1),
        round((now.spoken - since.spoken) / per, 1),
        round((now.delivered - since.delivered) / per, 1),
    )


def latency(since: Look, now: Look) -> Latency:
    paints = [*map(sub, now.paints, since.paints)]
    p50, p95, p99 = (quantile_ms(paints, part) for part in (0.50, 0.95, 0.99))
    return Latency(round(now.at - since.at, 1), sum(paints), p50, p95, p99)


def quantile_ms(paints: Sequence[int], part: float) -> float | None:
    """The bound, in milliseconds, within which that part of the paints lay; None without any. What lay beyond the last
    bound is told as the last."""
    if not (total := sum(paints)):
        return None
    place = next(place for place, paint_count in enumerate(accumulate(paints)) if paint_count >= part * total)
    return round(1000 * BOUNDS[min(place, len(BOUNDS) - 1)], 1)


class Sampler:
    """The last ten minutes of one event loop. Get it from `sampler`."""

    def __init__(self, watchers: Mapping[Any, Lagging]) -> None:
        self.samples: deque[Sample] = deque(maxlen=KEPT)
        self._watchers = watchers
        self._looks: deque[Look] = deque([Look.now()], maxlen=LOOKS + 1)
        self._until_sample = STEP
        self._later()

    def rates(self) -> Rates:
        """Over the last five seconds, or as long as there were looks."""
        return rates(self._looks[-min(STEP, len(self._looks))], Look.now())

    def latency(self) -> Latency:
        """Over the last minute, or as long as there were looks."""
        return latency(self._looks[0], Look.now())

    def _later(self) -> None:
        # A timer and no task: nothing has to end it, and nothing is left pending when the loop ends.
        asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looks.append(Look.now())
        self._until_sample -= 1
        if self._until_sample == 0:
            self._until_sample = STEP
            self.samples.append(_sample(self._looks[-1 - STEP], self._looks[-1], self._watchers.values()))
        self._later()


def _sample(since: Look, now: Look, watchers: Collection[Lagging]) -> Sample:
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


_samplers: WeakKeyDictionary[asyncio.AbstractEventLoop, Sampler] = WeakKeyDictionary()


def sampler(watchers: Mapping[Any, Lagging]) -> Sampler:
    """The running event loop's, which looks from its first call on, at these watchers."""
    loop = asyncio.get_running_loop()
    if loop not in _samplers:
        _samplers[loop] = Sampler(watchers)
    return _samplers[loop]
