"""What a run does, in full or quickly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

# What is measured of one process, too, and of a cluster only.
BESIDE = ("debates", "watchers", "starts", "idle")
ALONE = ("layers", "pooling", "partitions", "books")
PARTS = (*BESIDE, *ALONE)
# Each idle watcher is a file here, and two at nginx; and the rest needs some.
_SPARE_FILES = 500


@dataclass(frozen=True)
class Plan:
    """`turn`: a turn's tokens. `rest`: seconds for which idle watchers are measured. `alone`: the debates of the parts
    that are a cluster's only. `locks`: seconds for which one row is fought for. `rows` of events that a table is filled
    with, and `more` that are then inserted."""

    debates: Sequence[int] = (25, 50, 100, 200)
    watchers: Sequence[int] = (125, 250, 500, 1_000)
    idle: Sequence[int] = (1_000, 5_000)
    turn: int = 150
    starts: int = 20
    rest: float = 40
    alone: int = 50
    locks: float = 5
    rows: int = 1_000_000
    more: int = 50_000

    def within(self, files: int) -> "Plan":
        """Without what needs more open files than there may be. Raises ValueError where nothing is left."""
        idle = [count for count in self.idle if 2 * count + _SPARE_FILES <= files]
        if not idle:
            raise ValueError(f"{files} open files are too few: raise the limit (ulimit -Hn).")
        return replace(self, idle=idle)


FULL = Plan()
# To try whether all of it works; its figures say little.
QUICK = Plan((5, 10), (25, 50), (100, 200), 50, 5, 5, 10, 1, 20_000, 1_000)
