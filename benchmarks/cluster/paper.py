"""What a million watchers and ten thousand debates at once would take: the measured costs, multiplied.

Each part of a run leaves its costs on the page, in a comment, so that the sums can be done anew after any of them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.cluster.table import Columns, number, table

WATCHERS: Final = 1_000_000
DEBATES: Final = 10_000
RATE: Final = 50
# Seconds of a turn, of which each has two entries in the books: 200 tokens, and a second for the model to begin.
TURN_SECONDS: Final = 5
LEASE_SECONDS: Final = 5
# Of a core, a Redis or a network card no more than this is planned for.
SHARE: Final = 0.6
# Frames a second to which a debate's words could be joined.
JOINED: Final = 5
DAY: Final = 86_400
_COMMENT = re.compile(r"<!-- costs: (\{.*?\}) -->")

Costs = Mapping[str, float]


@dataclass(frozen=True)
class Sum:
    """A line: what, how it is worked out, and the result, or None where a cost has not been measured yet."""

    what: str
    formula: str
    needs: tuple[str, ...]
    work: Callable[..., float]
    unit: str = ""

    def result(self, costs: Costs) -> str:
        if not all(name in costs for name in self.needs):
            return "–"
        return f"{_large(self.work(*(costs[name] for name in self.needs)))} {self.unit}".rstrip()


def comment(costs: Costs) -> str:
    """The costs as they stand on the page."""
    return f"<!-- costs: {json.dumps({name: float(f'{value:.4g}') for name, value in costs.items()})} -->\n"


def costs_of(page: str) -> dict[str, float]:
    """All that the page holds."""
    found: dict[str, float] = {}
    for text in _COMMENT.findall(page):
        found |= json.loads(text)
    return found


def tables(costs: Costs) -> list[str]:
    """What was measured, and the sums."""
    inputs: Columns[tuple[str, str, str]] = [
        ("measured", lambda row: row[0]),
        ("in the table", lambda row: row[2]),
        ("value", lambda row: number(costs.get(row[1]))),
    ]
    sums: Columns[Sum] = [
        ("what", lambda it: it.what),
        ("formula", lambda it: it.formula),
        ("result", lambda it: it.result(costs)),
    ]
    return [table(inputs, INPUTS), table(sums, SUMS)]


INPUTS = (
    ("CPU us of a worker for a token", "worker_us", "debates"),
    ("CPU us of PostgreSQL for a token", "postgres_us", "debates"),
    ("CPU us of Redis for a token", "redis_us", "debates"),
    ("rows of the log for a token", "rows", "debates"),
    ("rings (frames to a watcher) for a token", "rings", "debates"),
    ("bytes of WAL for a token", "wal", "debates"),
    ("MiB of the workers for a debate more", "worker_mib", "debates"),
    ("CPU us of a web process for a frame to a watcher", "web_us", "watchers"),
    ("CPU us of nginx for a frame to a watcher", "nginx_us", "watchers"),
    ("bytes of a frame to a watcher", "octets", "watchers"),
    ("KiB of the web processes for a watcher", "web_kib", "idle"),
    ("KiB of nginx for a watcher", "nginx_kib", "idle"),
    ("bytes of a row of the log, with its indexes", "row_bytes", "partitions"),
    ("transactions/s that can lock one row", "hot", "books"),
)
_TOKENS = DEBATES * RATE
_DELIVERIES = WATCHERS * RATE
SUMS = (
    Sum("tokens said", f"{DEBATES:,} x {RATE}", (), lambda: _TOKENS, "/s"),
    Sum("deliveries, a frame a token", f"{WATCHERS:,} x {RATE}", (), lambda: _DELIVERIES, "/s"),
    Sum(
        "deliveries, as many tokens joined as measured",
        "x rings",
        ("rings",),
        lambda rings: _DELIVERIES * rings,
        "/s",
    ),
    Sum(
        f"deliveries, joined to {JOINED} frames/s",
        f"{WATCHERS:,} x {JOINED}",
        (),
        lambda: WATCHERS * JOINED,
        "/s",
    ),
    Sum(
        "web processes, a frame a token",
        f"{_DELIVERIES:,} x web us / {SHARE:g} of a core",
        ("web_us",),
        lambda us: _cores(_DELIVERIES, us),
        "cores",
    ),
    Sum(
        f"web processes at {JOINED} frames/s",
        f"{WATCHERS * JOINED:,} x web us / {SHARE:g}",
        ("web_us",),
        lambda us: _cores(WATCHERS * JOINED, us),
        "cores",
    ),
    Sum(
        "nginx, a frame a token",
        f"{_DELIVERIES:,} x nginx us / {SHARE:g}",
        ("nginx_us",),
        lambda us: _cores(_DELIVERIES, us),
        "cores",
    ),
    Sum(
        f"nginx at {JOINED} frames/s",
        f"{WATCHERS * JOINED:,} x nginx us / {SHARE:g}",
        ("nginx_us",),
        lambda us: _cores(WATCHERS * JOINED, us),
        "cores",
    ),
    Sum(
        "memory of the web processes",
        f"{WATCHERS:,} x KiB",
        ("web_kib",),
        lambda kib: WATCHERS * kib / 2**20,
        "GiB",
    ),
    Sum("memory of nginx", f"{WATCHERS:,} x KiB", ("nginx_kib",), lambda kib: WATCHERS * kib / 2**20, "GiB"),
    Sum(
        "file descriptors",
        f"{WATCHERS:,} x (1 at a web process + 2 at nginx)",
        (),
        lambda: WATCHERS * 3,
    ),
    Sum(
        "to the watchers, a frame a token",
        f"{_DELIVERIES:,} x bytes x 8",
        ("octets",),
        lambda octets: _DELIVERIES * octets * 8 / 1e9,
        "Gbit/s",
    ),
    Sum(
        "network cards of 25 Gbit/s",
        f"/ 25 / {SHARE:g}; as many again between nginx and the web processes",
        ("octets",),
        lambda octets: _DELIVERIES * octets * 8 / 25e9 / SHARE,
    ),
    Sum(
        "workers",
        f"{_TOKENS:,} x worker us / {SHARE:g}",
        ("worker_us",),
        lambda us: _cores(_TOKENS, us),
        "cores",
    ),
    Sum(
        "memory that debates add to the workers",
        f"{DEBATES:,} x MiB",
        ("worker_mib",),
        lambda mib: DEBATES * mib / 1024,
        "GiB",
    ),
    Sum("rings to Redis", f"{_TOKENS:,} x rings", ("rings",), lambda rings: _TOKENS * rings, "/s"),
    Sum(
        "Redis servers for them",
        f"{_TOKENS:,} x Redis us / {SHARE:g} (one core each)",
        ("redis_us",),
        lambda us: _cores(_TOKENS, us),
    ),
    Sum("rows of the log", f"{_TOKENS:,} x rows", ("rows",), lambda rows: _TOKENS * rows, "/s"),
    Sum(
        "PostgreSQL",
        f"{_TOKENS:,} x PostgreSQL us / {SHARE:g}",
        ("postgres_us",),
        lambda us: _cores(_TOKENS, us),
        "cores",
    ),
    Sum("WAL", f"{_TOKENS:,} x bytes", ("wal",), lambda wal: _TOKENS * wal / 2**20, "MiB/s"),
    Sum(
        "stored a day",
        f"rows/s x bytes of a row x {DAY:,}",
        ("rows", "row_bytes"),
        lambda rows, octets: _TOKENS * rows * octets * DAY / 2**40,
        "TiB",
    ),
    Sum(
        "renewals of leases",
        f"{DEBATES:,} / {LEASE_SECONDS} s, a transaction each",
        (),
        lambda: DEBATES / LEASE_SECONDS,
        "/s",
    ),
    Sum(
        "entries in the day's tally",
        f"{DEBATES:,} / {TURN_SECONDS} s a turn x 2",
        (),
        lambda: DEBATES / TURN_SECONDS * 2,
        "/s",
    ),
    Sum(
        "debates at once that one tally bears",
        f"transactions/s x {SHARE:g} x {TURN_SECONDS} / 2",
        ("hot",),
        lambda hot: hot * SHARE * TURN_SECONDS / 2,
    ),
)


def _cores(count: float, micro: float) -> float:
    return count * micro / 1e6 / SHARE


def _large(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else number(value)
