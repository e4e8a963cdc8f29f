"""A figure of a text: its value, what it counts, and how exactly it is stated."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto


class Measure(Enum):
    """What a figure counts. Percentage points are PERCENT; BP is hundredths of them."""

    CURRENCY = "currency"
    PERCENT = "percent"
    BP = "bp"
    MULTIPLE = "multiple"
    PLAIN = "plain"


class Bound(Enum):
    """EXACT as far as its digits go; ABOUT within 2.5 %; the true value lies ABOVE or BELOW."""

    EXACT = auto()
    ABOUT = auto()
    ABOVE = auto()
    BELOW = auto()


@dataclass(frozen=True)
class Figure:
    """`value` in base units: $156.5bn is 156500000000, 45 % is 45. `step` is one unit of its last digit. `currency` is
    an ISO code, "$" for any dollar, or None. `is_signed`: a plus or minus is written. `is_change`: a verb says how many
    times as large something became."""

    start: int
    end: int
    value: Decimal
    measure: Measure
    step: Decimal
    currency: str | None = None
    bound: Bound = Bound.EXACT
    is_signed: bool = False
    is_points: bool = False
    is_understood: bool = True
    scale: int = 1
    is_change: bool = False

    @property
    def digits(self) -> int:
        """How many significant digits it has."""
        return len((abs(self.value) / self.step).quantize(Decimal(1)).as_tuple().digits) if self.value else 1
