"""Questions about the past that the library has the figures for, with what came after.

History shows how the record and the checker work. It proves no skill: every model has read what happened.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from evidence.indicators import change
from evidence.library import series

NOTE: Final = (
    "A case from history shows how figures are checked. It proves no skill: models have read what happened."
)


@dataclass(frozen=True)
class Case:
    """A dated question about an instrument; `label` is short."""

    symbol: str
    day: date
    label: str
    question: str

    @property
    def as_of(self) -> datetime:
        """The end of its day, when the day's prices are known."""
        return datetime.combine(self.day, time(22, tzinfo=UTC))


CASES: Final[Sequence[Case]] = (
    Case(
        "AAPL",
        date(2007, 12, 31),
        "Apple, end of 2007",
        "It is 31 December 2007. Apple at $198.08: buy, hold or sell?",
    ),
    Case(
        "IBM",
        date(2008, 12, 31),
        "IBM, end of 2008",
        "It is 31 December 2008. IBM at $84.16: buy, hold or sell?",
    ),
    Case(
        "MSFT",
        date(2009, 3, 9),
        "Microsoft, March 2009",
        "It is 9 March 2009. Microsoft at $15.15: buy, hold or sell?",
    ),
    Case(
        "AAPL",
        date(2010, 12, 31),
        "Apple, end of 2010",
        "It is 31 December 2010. Apple at $322.56: buy, hold or sell?",
    ),
    Case(
        "AAPL",
        date(2011, 12, 30),
        "Apple, end of 2011",
        "It is 30 December 2011. Apple at $405.00: buy, hold or sell?",
    ),
    Case(
        "GOOG",
        date(2011, 12, 30),
        "Google, end of 2011",
        "It is 30 December 2011. Google at $645.90: buy, hold or sell?",
    ),
    Case(
        "AAPL",
        date(2012, 12, 31),
        "Apple, end of 2012",
        "It is 31 December 2012. Apple at $532.17: buy, hold or sell?",
    ),
    Case(
        "EURUSD",
        date(2014, 12, 31),
        "The euro, end of 2014",
        "It is 31 December 2014. The euro at $1.2141: hedge dollars?",
    ),
    Case(
        "EURUSD",
        date(2026, 10, 30),
        "The euro, October 2026",
        "It is 30 October 2026. The euro at $1.1172: hedge dollars?",
    ),
)


def find(symbol: str, as_of: datetime | None) -> Case | None:
    """The case of an instrument on the day (UTC) of a time."""
    day = None if as_of is None else as_of.astimezone(UTC).date()
    return next((case for case in CASES if (case.symbol, case.day) == (symbol, day)), None)


def outcome(case: Case) -> tuple[date, float] | None:
    """(day, change in per cent) of the price twelve months later, adjusted for splits, or on the last day that the
    library has; None if it has none after the case."""
    end = case.day.replace(year=case.day.year + 1)
    if case.symbol == "EURUSD":
        values = [(day, float(rate)) for day, rate in series.rates("USD")]
    else:
        values = _comparable(case.symbol)
    place = bisect_right(values, case.day, key=lambda each: each[0]) - 1
    last = bisect_right(values, end, key=lambda each: each[0]) - 1
    if place < 0 or last <= place:
        return None
    return values[last][0], change(values[place][1], values[last][1])


def _comparable(symbol: str) -> list[tuple[date, float]]:
    """Closes times the splits so far."""
    factor, values = 1.0, []
    for session in series.prices()[symbol]:
        factor *= float(session.split)
        values.append((session.day, float(session.close) * factor))
    return values
