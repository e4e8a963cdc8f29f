"""`make bench-cluster`: what a cluster carries, beside one process on SQLite, on this machine. The tables go into
docs/scaling.md. Exits 1 if a token is lost, doubled or altered; never for its speed.

debates     25, 50, 100 and 200 debates at once, two watchers each
watchers    125, 250, 500 and 1,000 watchers of one debate
starts      how long it is until a debate begins, at rest
idle        1,000 and 5,000 watchers to whom nothing is said
layers      the channel layer: Redis's pub/sub over one server and over two, beside the other layer
pooling     PgBouncer before the web processes
partitions  the table of events in months
books       the row that everybody's debates write to
"""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.cluster import hot_row, idle, page, partitions, pooling, shards, speaking, systems
from benchmarks.cluster.load import Load
from benchmarks.cluster.plan import ALONE, BESIDE, FULL, PARTS, QUICK, Plan
from benchmarks.cluster.stage import Stage, stage, stand_in
from benchmarks.delivery.children import Child
from scripts import programs


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
        if any(map(bench.wants, BESIDE)):
            bench.beside(model, port)
        if any(map(bench.wants, ALONE)):
            bench.alone(model, port)
    return int(bench.damage > 0)


class Bench:
    """`damage`: tokens lost, doubled or altered in all that was measured."""

    def __init__(self, plan: Plan, options: argparse.Namespace) -> None:
        self._plan = plan
        self._options = options
        self._took: Counter[str] = Counter()
        self.damage = 0

    def wants(self, part: str) -> bool:
        return part in self._options.parts

    def beside(self, model: Child, port: int) -> None:
        """What is measured of one process and of a cluster, one after the other."""
        found: dict[str, list[Any]] = defaultdict(list)
        server = self._options.server
        with systems.one_process(port, server) as system, stage(system, model) as staged:
            self._measure(staged, found)
        with systems.a_cluster(port, server) as (system, _), stage(system, model) as staged:
            self._measure(staged, found)
        for part, rows in found.items():
            tables, costs = _SHOWN[part]
            self._write(part, tables(rows), costs(rows))

    def alone(self, model: Child, port: int) -> None:
        """What is measured of a cluster only."""
        plan = self._plan
        load = Load(plan.alone, speaking.WATCHERS, plan.turn)
        with systems.a_cluster(port, self._options.server) as (_, made):
            if self.wants("layers"):
                with self._timed("layers"):
                    runs = list(shards.layers(made, model, load))
                # The layer that was not chosen is measured, not promised.
                self.damage += sum(run.damage for run in runs if run.system != shards.CORE)
                self._write("layers", shards.tables(runs), {})
            if self.wants("pooling"):
                with self._timed("pooling"):
                    pooled = list(pooling.pooled(made, model, load))
                self.damage += sum(it.run.damage for it in pooled)
                self._write("pooling", pooling.tables(pooled), {})
            if self.wants("partitions"):
                with self._timed("partitions"):
                    costs = list(partitions.costs(made, plan.rows, plan.more))
                self._write("partitions", partitions.tables(costs), partitions.sums(costs))

            if self.wants("books"):
                with self._timed("books"):
                    rates = list(hot_row.rates(made, plan.locks))
                self._write("books", hot_row.tables(rates), {"hot": rates[-1].rate})

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
        # Last, because its debates do not end by themselves.
        if self.wants("idle"):
            with self._timed("idle"):
                found["idle"] += idle.rests(staged, plan.idle, plan.rest)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        print(f"{part} ...", flush=True)
        began = time.monotonic()
        yield
        self._took[part] += round(time.monotonic() - began)

    def _write(self, part: str, tables: Sequence[str], costs: dict[str, float]) -> None:
        print("\n".join([f"\n{part}, {self._took[part]} s\n", *tables]), flush=True)
        if costs:
            print(costs)
        if not self._options.quick:
            how = part + (f" --server {self._options.server}" if self._options.server != DAPHNE else "")
            page.write(part, tables, costs, self._took[part] / 60, how)


DAPHNE = "daphne"
_SHOWN: dict[str, tuple[Callable[[list[Any]], list[str]], Callable[[list[Any]], dict[str, float]]]] = {
    "debates": (speaking.debates_tables, speaking.debates_costs),
    "watchers": (speaking.watchers_tables, speaking.watchers_costs),
    "starts": (speaking.starts_tables, lambda _: {}),
    "idle": (idle.tables, idle.costs),
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts",
        nargs="*",
        type=_part,
        metavar="PART",
        default=PARTS,
        help="which, of those above (default: all)",
    )
    parser.add_argument(
        "--server",
        choices=(DAPHNE, "uvicorn"),
        default=DAPHNE,
        help="of the web processes (default: %(default)s)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="little of everything, to try it; the page stays as it is"
    )
    return parser.parse_args()


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"unknown part {name!r}, use {', '.join(PARTS)}")
    return name


if __name__ == "__main__":
    sys.exit(main())
