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
MONTHS: Final = 12


@dataclass(frozen=True)
class Case:
    """A dated question about an instrument."""

    id: str
    symbol: str
    day: date
    question: str

    @property
    def as_of(self) -> datetime:
        """The end of its day, when the day's prices are known."""
        return datetime.combine(self.day, time(22, tzinfo=UTC))


def _stock(symbol: str, name: str, day: str) -> Case:
    close = next(
        session.close
        for session in reversed(series.prices()[symbol])
        if session.day <= date.fromisoformat(day)
    )
    on = date.fromisoformat(day)
    return Case(
        f"{symbol.lower()}-{day}",
        symbol,
        on,
        f"It is {on:%-d %B %Y}. {name} at ${close:,.2f}: buy, hold or sell?",
    )


def _euro(day: str) -> Case:
    on = date.fromisoformat(day)
    rate = next(rate for when, rate in reversed(series.rates("USD")) if when <= on)
    return Case(
        f"eurusd-{day}",
        "EURUSD",
        on,
        f"It is {on:%-d %B %Y}, and the euro is at {rate} dollars: hedge a dollar income?",
    )


def cases() -> Sequence[Case]:
    """All cases, oldest first."""
    found = [
        _stock("AAPL", "Apple", "2007-12-31"),
        _stock("IBM", "IBM", "2008-12-31"),
        _stock("MSFT", "Microsoft", "2009-03-09"),
        _stock("AAPL", "Apple", "2010-12-31"),
        _stock("GOOG", "Google", "2011-12-30"),
        _stock("IBM", "IBM", "2011-12-30"),
        _stock("AAPL", "Apple", "2011-12-30"),
        _stock("AAPL", "Apple", "2012-12-31"),
        _euro("2014-12-31"),
        _euro("2026-10-30"),
    ]
    return sorted(found, key=lambda case: case.day)


def outcome(case: Case) -> tuple[date, float] | None:
    """(day, change in per cent) of the price twelve months later, adjusted for splits, or on the last day that the
    library has; None if it has none after the case."""
    end = case.day.replace(year=case.day.year + MONTHS // 12)
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
