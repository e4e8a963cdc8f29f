"""What is said with a figure."""

from dataclasses import dataclass
from enum import Enum, auto

from evidence.checker.figure import Figure
from evidence.checker.periods import Said
from evidence.checker.vocabulary import Metric


class Role(Enum):
    """LEVEL: the value itself; CHANGE: by how much it changed; SHARE: part of another metric; RELATION: how far it is
    from another metric, or how many times it."""

    LEVEL = auto()
    CHANGE = auto()
    SHARE = auto()
    RELATION = auto()


@dataclass(frozen=True)
class Claim:
    """What is said with a figure.

    `is_bound`: the metric stands right at it; `is_clear`: no unknown word stands before the metric. `subject` is None
    if nobody is named; `is_foreign` if somebody is who is not in the record. `is_dated` if the period stands in its
    segment. `direction` is 1 up, -1 down, 0 none. `is_from`: the first of two values, "from 40.5 %". `window`: trading
    days over which something changed."""

    figure: Figure
    metric: Metric | None
    is_bound: bool
    is_clear: bool
    subject: str | None
    is_foreign: bool
    is_subject_near: bool
    period: Said | None
    is_dated: bool
    role: Role
    direction: int
    other: Metric | None
    is_from: bool
    is_assumed: bool
    is_negated: bool
    cited: tuple[str, ...]
    base: Said | None = None
    is_compound: bool = False
    window: int | None = None

    @property
    def may_be_wrong(self) -> bool:
        """Whether the metric is said clearly enough for red."""
        return self.is_bound and self.is_clear and not self.is_negated
