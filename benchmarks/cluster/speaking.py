"""Debates that are spoken: many with few watchers, one with many; and how long it is until one begins."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.cluster import figures
from benchmarks.cluster.figures import CORES, LATENESS, WRITTEN, percentile
from benchmarks.cluster.load import Load
from benchmarks.cluster.stage import Run, Stage
from benchmarks.cluster.systems import PROCESS
from benchmarks.cluster.table import Columns, number, table

WATCHERS = 2
# A debate received at less than this share of the model's rate is behind; pauses between turns are allowed for.
PACE = 0.9


@dataclass(frozen=True)
class Started:
    """`taken`: ms from a debate's row to its run's first event, at rest."""

    system: str
    taken: Sequence[float]


def debates(stage: Stage, counts: Iterable[int], turn: int) -> list[Run]:
    """So many debates at once, with two watchers each."""
    return [stage.measure(Load(count, WATCHERS, turn), counted=True) for count in counts]


def watchers(stage: Stage, counts: Iterable[int], turn: int) -> list[Run]:
    """One debate with so many watchers."""
    return [stage.measure(Load(1, count, turn)) for count in counts]


def starts(stage: Stage, times: int) -> Started:
    """One debate after the other, each of which ends before the next one starts."""
    return Started(stage.system.name, [stage.start() for _ in range(times)])


def starts_tables(rows: Sequence[Started]) -> list[str]:
    """How long it was until one began."""
    columns: Columns[Started] = [
        ("where", lambda row: row.system),
        ("starts", lambda row: str(len(row.taken))),
        *((f"p{share * 100:.0f} ms", _taken(share)) for share in (0.5, 0.95)),
        ("worst", _taken(1.0)),
    ]
    return [table(columns, rows)]


def debates_tables(runs: Sequence[Run]) -> list[str]:
    """Three tables with a line for each run: what watchers received, the cost, and the writes."""
    baseline = {run.load.debates: run for run in runs if _is_alone(run)}

    got: Columns[Run] = [
        _DEBATES,
        ("where", lambda run: run.system),
        *LATENESS,
        ("tokens/s a debate", figures.heard("heard")),
        ("behind", lambda run: "no" if _keeps_pace(run) else "**yes**"),
        ("said by the model", figures.heard("said")),
        ("tokens a frame", figures.heard("tokens_a_frame")),
        ("lost, doubled, altered", figures.received),
        ("start p50 ms", lambda run: number(percentile(run.starts, 0.5))),
        ("start p95", lambda run: number(percentile(run.starts, 0.95))),
    ]
    took: Columns[Run] = [
        _DEBATES,
        ("where", lambda run: run.system),
        ("CPU us/token", figures.cpu_a_token()),
        ("to one process", figures.cpu_ratio(baseline, lambda run: run.load.debates)),
        *figures.by_role(figures.cpu_a_token),
        *CORES,
        ("memory MiB", figures.memory),
    ]
    written: Columns[Run] = [_DEBATES, ("where", lambda run: run.system), *WRITTEN]
    return [table(columns, _in_order(runs, lambda run: run.load.debates)) for columns in (got, took, written)]


def watchers_tables(runs: Sequence[Run]) -> list[str]:
    """Two tables of one debate with many watchers: what they received, and the cost."""
    baseline = {run.load.watchers: run for run in runs if _is_alone(run)}
    got: Columns[Run] = [
        _WATCHERS,
        ("where", lambda run: run.system),
        *LATENESS,
        ("tokens a frame", figures.heard("tokens_a_frame")),
        ("bytes a token", lambda run: number(_octets(run))),
        ("deliveries/s", lambda run: number(run.heard["delivered"] / run.seconds)),
        ("lost, doubled, altered", figures.received),
    ]
    took: Columns[Run] = [
        _WATCHERS,
        ("where", lambda run: run.system),
        ("CPU us/delivery", figures.cpu_a_delivery()),
        ("to one process", figures.cpu_ratio(baseline, lambda run: run.load.watchers)),
        *figures.by_role(figures.cpu_a_delivery),
        *CORES,
        ("memory MiB", figures.memory),
    ]
    return [table(columns, _in_order(runs, lambda run: run.load.watchers)) for columns in (got, took)]


_DEBATES: tuple[str, Callable[[Run], str]] = ("debates", lambda run: f"{run.load.debates:,}")
_WATCHERS: tuple[str, Callable[[Run], str]] = ("watchers", lambda run: f"{run.load.watchers:,}")


def _is_alone(run: Run) -> bool:
    return run.system == PROCESS


def _in_order(runs: Sequence[Run], key: Callable[[Run], int]) -> list[Run]:
    return sorted(runs, key=lambda run: (key(run), not _is_alone(run)))


def _taken(share: float) -> Callable[[Started], str]:
    return lambda row: number(percentile(row.taken, share))


def _octets(run: Run) -> float | None:
    return run.heard["octets"] / run.heard["delivered"] if run.heard["delivered"] else None


def _keeps_pace(run: Run) -> bool:
    heard, said = run.heard["heard"], run.heard["said"]
    return heard is not None and said is not None and heard >= PACE * said
