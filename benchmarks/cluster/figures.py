"""Columns of the tables, from runs."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.cluster import usage
from benchmarks.cluster.counts import Counts
from benchmarks.cluster.stage import GENERATOR, LOADING, STAND_IN, Run
from benchmarks.cluster.table import Columns, number

ROLES = ("web", "worker", "postgres", "redis", "nginx")
TITLES = {"postgres": "PostgreSQL", "redis": "Redis", "pgbouncer": "PgBouncer"}


def percentile(values: Sequence[float], share: float) -> float | None:
    """None of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def server_cpu(run: Run) -> float:
    """CPU seconds of all servers, without the processes that make the load."""
    return sum(seconds for name, seconds in run.used.cpu.items() if name not in LOADING)


def load_cores(run: Run) -> float:
    """Cores used by the load: the watchers, the stand-in for the model and the bench itself."""
    return sum(run.used.cpu.get(name, 0.0) for name in LOADING) / run.used.at


def heard(name: str) -> Callable[[Run], str]:
    return lambda run: number(run.heard[name])


def received(run: Run) -> str:
    counts = f"{run.heard['lost']}, {run.heard['doubled']}, {run.heard['altered'] + run.heard['breaches']}"
    return counts if run.damage == 0 else f"**{counts}**"


def events_a_commit(written: Counts | None) -> float | None:
    """As they were handed in, before neighbouring tokens are joined."""
    return written.log_appends / max(1.0, written.log_commits) if written else None


def a_second(name: str, scale: float = 1) -> Callable[[Run], str]:
    def show(run: Run) -> str:
        count = getattr(run.written, name, None)
        return number(None if count is None else count / run.seconds / scale)

    return show


def cpu_a_token(role: str | None = None) -> Callable[[Run], str]:
    return lambda run: number(_micro(run, role, run.load.spoken))


def cpu_a_delivery(role: str | None = None) -> Callable[[Run], str]:
    return lambda run: number(_micro(run, role, run.load.delivered))


def _micro(run: Run, role: str | None, count: int) -> float | None:
    if role is None:
        return server_cpu(run) * 1e6 / count
    if role not in {usage.role_of(name) for name in run.used.cpu}:
        return None
    return run.used.of(role) * 1e6 / count


def cpu_ratio(baseline: Mapping[int, Run], key: Callable[[Run], int]) -> Callable[[Run], str]:
    """A run's CPU for a token to that of the baseline's with the same key."""

    def show(run: Run) -> str:
        if (base := baseline.get(key(run))) is None:
            return "–"
        return f"{server_cpu(run) / run.load.spoken / (server_cpu(base) / base.load.spoken):.1f}x"

    return show


def fullest(run: Run) -> str:
    name, cores = run.fullest
    return f"{name} {cores:.2f}"


def memory(run: Run) -> str:
    return number(sum(mib for role, mib in run.memory_after.items() if role not in LOADING))


LATENESS: Columns[Run] = [
    ("p50 ms", heard("p50")),
    ("p95", heard("p95")),
    ("p99", heard("p99")),
    ("worst", heard("worst")),
]
CORES: Columns[Run] = [
    ("servers' cores", lambda run: number(server_cpu(run) / run.used.at)),
    ("fullest process", fullest),
    ("stand-in's cores", lambda run: number(run.used.of(STAND_IN) / run.used.at)),
    ("watchers' cores", lambda run: number(run.used.of(GENERATOR) / run.used.at)),
    ("others' cores", lambda run: number(run.used.others / run.used.at)),
]
WRITTEN: Columns[Run] = [
    ("events handed in /s", a_second("log_appends")),
    ("log commits /s", a_second("log_commits")),
    ("rows of the log /s", a_second("log_rows")),
    ("events a commit", lambda run: number(events_a_commit(run.written))),
    ("all commits /s", a_second("commits")),
    ("rows inserted /s", a_second("inserted")),
    ("rows changed /s", a_second("changed")),
    ("WAL KiB/s", a_second("wal", 1024)),
]


def by_role(show: Callable[[str], Callable[[Run], str]], *more: str) -> Columns[Run]:
    """A column for each role of a cluster."""
    return [(TITLES.get(role, role), show(role)) for role in (*ROLES, *more)]
