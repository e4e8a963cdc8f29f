"""The sizes of a full run and of a quick one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

# Measured on one process and on a cluster; pooling needs a cluster.
BOTH = ("debates", "watchers", "starts", "idle")
PARTS = (*BOTH, "pooling")
# An idle watcher is one open file in the bench and two in nginx; everything else needs these.
_SPARE_FILES = 500


@dataclass(frozen=True)
class Plan:
    """How much each part does. `turn`: tokens of one turn. `rest`: seconds for which idle watchers are measured.
    `pooled`: debates at once behind PgBouncer."""

    debates: Sequence[int] = (25, 50, 100, 200)
    watchers: Sequence[int] = (125, 250, 500, 1_000)
    idle: Sequence[int] = (1_000, 5_000)
    turn: int = 150
    starts: int = 20
    rest: float = 40
    pooled: int = 50

    def within(self, files: int) -> "Plan":
        """The plan without idle watchers that need more open files than allowed. Raises ValueError if none fit."""
        idle = [count for count in self.idle if 2 * count + _SPARE_FILES <= files]
        if not idle:
            raise ValueError(f"{files} open files are too few: raise the limit (ulimit -Hn).")
        return replace(self, idle=idle)


FULL = Plan()
# A smoke test of the bench itself; too small to compare figures.
QUICK = Plan((5, 10), (25, 50), (100, 200), turn=50, starts=5, rest=5, pooled=10)
