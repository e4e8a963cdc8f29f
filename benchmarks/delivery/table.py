"""The runs of a case as a table."""

import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.delivery.cases import OUTCRY, PLAIN, SERVERS, Case
from benchmarks.delivery.measure import Run

MIB = 2**20
WIDTH = 240  # where there is no terminal
# Of a core: from here on the watchers' own process may be what is late.
BUSY_CLIENT = 0.85
# Limits of what a stalled watcher may change: the others' p99, and the memory of the process for each.
STALLED_P99, STALLED_MIB = 1.1, 1.0

Round = Sequence[Run]


def show(case: Case, rounds: Sequence[Round]) -> None:
    """A row for each server and load: sums of what was lost, medians over the rounds of all else. Ratios are medians
    of each round's own."""
    first = rounds[0][0].load
    table = Table(
        title=f"{case.title}; {first.rate:g} tokens/s a conversation for {first.seconds:g} s",
        caption=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" {len(rounds)} round(s); latency from a token's making to its watcher's socket, in ms;"
        " behind: how late it was made at worst",
    )
    columns = [*_COMMON, *(_STALLED if case.stalled else ()), *(_STORM if first.storm else ())]
    if case.targets:
        columns += [("target, at most", lambda row: _target(case, row))]
    table.add_column("", no_wrap=True)
    for title, _ in columns:
        table.add_column(title, justify="right")
    for place in range(len(rounds[0])):
        row = _Row([one[place] for one in rounds], rounds)
        table.add_row(row.name, *(cell(row) for _, cell in columns))
    console = Console(width=WIDTH if not sys.stdout.isatty() else None)
    console.print(table)
    for warning in _warnings(rounds):
        console.print(warning)


class _Row:
    """The runs of one server and load, one of each round."""

    def __init__(self, runs: Sequence[Run], rounds: Sequence[Round]) -> None:
        self.runs = runs
        self._rounds = rounds
        self.server, self.load = runs[0].server, runs[0].load

    @property
    def name(self) -> str:
        return SERVERS[self.server] + (f", {self.load.stalled} stalled" if self.load.stalled else "")

    def sum(self, *kinds: str) -> str:
        return f"{sum(run.watched[kind] for run in self.runs for kind in kinds):,}"

    def median(self, value: Callable[[Run], float | None], form: str) -> str:
        """Empty where a round has no value."""
        values = [found for run in self.runs if (found := value(run)) is not None]
        return f"{median(values):{form}}" if len(values) == len(self.runs) else ""

    def against(
        self, server: str, value: Callable[[Run], float | None], compare: Callable[[float, float], float]
    ) -> float | None:
        """The median over the rounds of this row's value compared with that of `server`, with nobody stalled."""
        compared = []
        for run, others in zip(self.runs, self._rounds, strict=True):
            base = next((one for one in others if one.server == server and not one.load.stalled), None)
            mine, theirs = value(run), value(base) if base is not None else None
            if mine is not None and theirs:
                compared.append(compare(mine, theirs))
        return median(compared) if compared else None


Columns = list[tuple[str, Callable[[_Row], str]]]


def _latency(kind: str) -> Callable[[Run], float | None]:
    def latency(run: Run) -> float | None:
        value: float | None = run.watched[kind]
        return value

    return latency


def _ratio(value: float, base: float) -> float:
    return value / base


def _cpu(run: Run) -> float:
    return run.cpu_us_a_delivery


def _growth(run: Run) -> float:
    return (run.memory_peak - run.memory_idle) / MIB


def _cpu_ratio(row: _Row) -> str:
    ratio = row.against(PLAIN, _cpu, _ratio)
    return "" if ratio is None else f"{ratio:.2f}x"


def _p99_ratio(row: _Row) -> str:
    ratio = row.against(row.server, _latency("p99"), _ratio)
    return "" if ratio is None or not row.load.stalled else f"{ratio:.2f}x"


def _stalled_memory(row: _Row) -> str:
    more = row.against(row.server, _growth, lambda mine, theirs: mine - theirs)
    if more is None or not row.load.stalled:
        return ""
    return f"{more:+.1f}"


def _target(case: Case, row: _Row) -> str:
    target = (case.targets or {}).get(row.server)
    return "" if target is None else f"{target.cpu:g}x, p99 {target.p99:g}"


_COMMON: Columns = [
    ("lost", lambda row: row.sum("lost")),
    ("doubled", lambda row: row.sum("doubled")),
    ("altered", lambda row: row.sum("altered")),
    ("gaps", lambda row: row.sum("breaches")),
    ("p50", lambda row: row.median(_latency("p50"), ".1f")),
    ("p95", lambda row: row.median(_latency("p95"), ".1f")),
    ("p99", lambda row: row.median(_latency("p99"), ".1f")),
    ("worst", lambda row: row.median(_latency("worst"), ".0f")),
    ("behind", lambda row: row.median(lambda run: run.behind, ".0f")),
    ("tokens a frame", lambda row: row.median(_latency("tokens_a_frame"), ".2f")),
    ("CPU cores", lambda row: row.median(lambda run: run.cpu / run.wall, ".2f")),
    ("us a delivery", lambda row: row.median(_cpu, ".1f")),
    ("to plain", _cpu_ratio),
    ("client CPU", lambda row: row.median(lambda run: run.client_cpu / run.wall, ".2f")),
    ("others' CPU", lambda row: row.median(lambda run: run.others_cpu / run.wall, ".2f")),
    ("idle MiB", lambda row: row.median(lambda run: run.memory_idle / MIB, ".0f")),
    ("peak MiB", lambda row: row.median(lambda run: run.memory_peak / MIB, ".0f")),
]
_STALLED: Columns = [
    (f"p99 to none (<={STALLED_P99:g}x)", _p99_ratio),
    (f"MiB to none (<={STALLED_MIB:g} each)", _stalled_memory),
]
_STORM: Columns = [
    ("all back, ms", lambda row: row.median(_latency("back_ms"), ".0f")),
    ("log reads", lambda row: row.median(lambda run: run.reads, ".0f")),
]


def _warnings(rounds: Iterable[Round]) -> Iterable[str]:
    for run in (run for one in rounds for run in one):
        name = SERVERS[run.server]
        if run.client_cpu / run.wall > BUSY_CLIENT:
            yield f"{name}: the watchers' process was busy itself; its latencies are partly its own."
        if run.server == OUTCRY and (run.damage or run.watched["returns"]):
            yield f"{name}: {run.watched['returns']} came back by themselves; last close codes {run.watched['codes']}."
        if run.server == OUTCRY and run.complaints:
            *_, last = run.complaints.splitlines()
            yield f"{name}: wrote {run.complaints.count(chr(10)):,} lines to stderr, the last: {last}"
