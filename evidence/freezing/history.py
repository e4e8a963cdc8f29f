"""The values that a chart of an instrument shows: those of the library that were known at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from evidence.freezing.economy import ECB
from evidence.freezing.prices import adjusted, known, months_before, of_library
from evidence.library import series

# What a chart shows: the year of the record's indicators, and one more to compare with.
MONTHS: Final = 24


@dataclass(frozen=True)
class History:
    """Values by day, oldest first: closes that are comparable with the last one, or reference rates."""

    source: str
    values: Sequence[tuple[date, float]]


def history(symbol: str, as_of: datetime) -> History | None:
    """Two years of an instrument; None if the library had no values of it."""
    if symbol == "EURUSD":
        source, rates = ECB, series.rates("USD")
        values = [(day, float(rate)) for day, rate in rates if series.rate_known_at(day) <= as_of]
    else:
        prices = of_library(symbol)
        if prices is None:
            return None
        source, sessions = prices.source, known(prices.sessions, as_of)
        values = [(each.day, value) for each, value in zip(sessions, adjusted(sessions), strict=True)]
    if not values:
        return None
    begin = months_before(values[-1][0], MONTHS)
    return History(source, [(day, value) for day, value in values if day >= begin])
