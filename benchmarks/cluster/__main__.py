"""`make bench-cluster`: the throughput of a cluster beside that of one process on SQLite, on this machine.

debates     25, 50, 100 and 200 debates at once, two watchers each
watchers    125, 250, 500 and 1,000 watchers of one debate
starts      time until a debate begins on an idle installation
idle        1,000 and 5,000 watchers of silent debates
pooling     PgBouncer in front of the web processes (cluster only)

The tables are written into docs/scaling.md. Exits 1 if a token is lost, doubled or altered; never for its speed.
"""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.cluster import idle, page, pooling, speaking, systems
from benchmarks.cluster.load import Load
from benchmarks.cluster.plan import BOTH, FULL, PARTS, QUICK, Plan
from benchmarks.cluster.stage import Stage, stage, stand_in
from benchmarks.delivery.children import Child
from scripts import programs

_TABLES: dict[str, Callable[[list[Any]], list[str]]] = {
    "debates": speaking.debates_tables,
    "watchers": speaking.watchers_tables,
    "starts": speaking.starts_tables,
    "idle": idle.tables,
}


def main() -> int:
    options = _options()
    programs.require(programs.POSTGRESQL, programs.REDIS, programs.NGINX)
    if "pooling" in options.parts:
        programs.require(pooling.PGBOUNCER)
    wanted, files = QUICK if options.quick else FULL, systems.allow_files()
    plan = wanted.within(files)
    if left_out := set(wanted.idle) - set(plan.idle):
        print(f"Only {files} files may be open (ulimit -Hn): no {sorted(left_out)} idle watchers.")
    bench = Bench(plan, options)
    with stand_in() as (model, port):
        if any(map(bench.wants, BOTH)):
            bench.measure_both(model, port)
        if bench.wants("pooling"):
            bench.measure_pooling(model, port)
    return int(bench.damage > 0)


class Bench:
    """`damage`: tokens lost, doubled or altered in everything measured so far."""

    def __init__(self, plan: Plan, options: argparse.Namespace) -> None:
        self._plan = plan
        self._options = options
        self._took: Counter[str] = Counter()
        self.damage = 0

    def wants(self, part: str) -> bool:
        return part in self._options.parts

    def measure_both(self, model: Child, port: int) -> None:
        """One process first, then a cluster."""
        found: dict[str, list[Any]] = defaultdict(list)
        with systems.one_process(port) as system, stage(system, model) as staged:
            self._measure(staged, found)
        with systems.a_cluster(port) as (system, _), stage(system, model) as staged:
            self._measure(staged, found)
        for part, rows in found.items():
            self._write(part, _TABLES[part](rows))

    def measure_pooling(self, model: Child, port: int) -> None:
        load = Load(self._plan.pooled, speaking.WATCHERS, self._plan.turn)
        with systems.a_cluster(port) as (_, cluster), self._timed("pooling"):
            rows = list(pooling.pooled(cluster, model, load))
        self.damage += sum(row.run.damage for row in rows)
        self._write("pooling", pooling.tables(rows))

    def _measure(self, staged: Stage, found: dict[str, list[Any]]) -> None:
        plan = self._plan
        if self.wants("starts"):
            with self._timed("starts"):
                found["starts"].append(speaking.starts(staged, plan.starts))
        for part, measure, counts in (
            ("debates", speaking.debates, plan.debates),
            ("watchers", speaking.watchers, plan.watchers),
        ):
            if self.wants(part):
                with self._timed(part):
                    runs = measure(staged, counts, plan.turn)
                self.damage += sum(run.damage for run in runs)
                found[part] += runs
        # Last: its debates do not end by themselves.
        if self.wants("idle"):
            with self._timed("idle"):
                found["idle"] += idle.rests(staged, plan.idle, plan.rest)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        print(f"{part} ...", flush=True)
        began = time.monotonic()
        yield
        self._took[part] += round(time.monotonic() - began)

    def _write(self, part: str, tables: Sequence[str]) -> None:
        print("\n".join([f"\n{part}, {self._took[part]} s\n", *tables]), flush=True)
        if not self._options.quick:
            page.write(part, tables, self._took[part] / 60)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts", nargs="*", type=_part, metavar="PART", default=PARTS, help="of those above (default: all)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="smallest sizes, to try the bench; docs/scaling.md is not written",
    )
    return parser.parse_args()


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"unknown part {name!r}, use {', '.join(PARTS)}")
    return name


if __name__ == "__main__":
    sys.exit(main())
