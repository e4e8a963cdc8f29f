"""Reads the library's files: prices, exchange rates, statistics and annual reports, as they are known at a time.

Each value is known from a moment on: a price when its session has closed, a rate when it is fixed, a statistic when it
is published, a report when it is filed. Publication days of statistics are bounds on the late side.
"""

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).parent / "data"
# New York's close, in winter time, and the hour at which the ECB's rates of the day are out.
_CLOSE: Final = time(21, tzinfo=UTC)
_FIXED: Final = time(15, tzinfo=UTC)
# Days after a period's end at which its statistic is out for certain.
_PUBLISHED_DAYS: Final = {"unemployment": 10, "real_gdp": 90, "treasury_bill_rate": 10}
_USUALLY_PUBLISHED_DAYS: Final = 20


@dataclass(frozen=True)
class Session:
    """A day's prices in dollars, as they were paid, and the shares traded. `split` is what an earlier price is divided
    by to be comparable with this day's."""

    day: date
    close: Decimal
    volume: int
    split: Decimal = Decimal(1)

    @property
    def known_at(self) -> datetime:
        return datetime.combine(self.day, _CLOSE)


@dataclass(frozen=True)
class Statistic:
    period: str
    value: Decimal
    known_at: datetime


@cache
def prices() -> Mapping[str, Sequence[Session]]:
    """The sessions of each ticker, oldest first."""
    found: dict[str, list[Session]] = {}
    factors: dict[str, Decimal] = {}
    for row in _rows("prices.csv.gz"):
        ticker, close, adjusted = row["ticker"], Decimal(row["close"]), Decimal(row["adjusted"])
        factor = adjusted / close
        jump = factor / factors.get(ticker, factor)
        factors[ticker] = factor
        # Dividends change the factor by less than a tenth; splits by a half or more.
        split = Decimal(round(jump)) if jump > Decimal("1.4") else Decimal(1)
        found.setdefault(ticker, []).append(
            Session(date.fromisoformat(row["date"]), close, int(row["volume"]), split)
        )
    return found


@cache
def rates(currency: str) -> Sequence[tuple[date, Decimal]]:
    """Units of the currency that one euro bought, by day, oldest first. Raises KeyError for one that is not there."""
    rows = _rows("rates.csv.gz")
    return [(date.fromisoformat(row["date"]), Decimal(row[currency])) for row in rows if row[currency]]


def rate_known_at(day: date) -> datetime:
    return datetime.combine(day, _FIXED)


@cache
def statistics() -> Mapping[str, Sequence[Statistic]]:
    """The values of each statistic, oldest first. Periods are "2012-11" or "Q3 2009"."""
    found: dict[str, list[Statistic]] = {}
    for row in _rows("statistics.csv.gz"):
        delay = _PUBLISHED_DAYS.get(row["metric"], _USUALLY_PUBLISHED_DAYS)
        end = first_day_after(row["period"])
        known_at = datetime.combine(end + timedelta(days=delay), _FIXED)
        found.setdefault(row["metric"], []).append(Statistic(row["period"], Decimal(row["value"]), known_at))
    for values in found.values():
        values.sort(key=lambda statistic: statistic.known_at)
    return found


@cache
def reports() -> Sequence[Mapping[str, Any]]:
    """Annual reports: ticker, form, accession, day of filing, and figures (metric, period, value, unit)."""
    loaded: list[Mapping[str, Any]] = json.loads((DATA / "fundamentals.json").read_text(encoding="utf-8"))
    return loaded


def _rows(name: str) -> list[dict[str, str]]:
    text = gzip.decompress((DATA / name).read_bytes()).decode()
    return list(csv.DictReader(text.splitlines()))


def first_day_after(period: str) -> date:
    """The day after a period such as "2012-11" or "Q3 2009"."""
    if period.startswith("Q"):
        quarter, year = int(period[1]), int(period[3:])
        return date(year + quarter // 4, quarter % 4 * 3 + 1, 1)
    year, month = map(int, period.split("-"))
    return date(year + month // 12, month % 12 + 1, 1)
