"""FRED and ALFRED: statistics of the United States, as they were published at a time.

Of each value the version is taken that was the newest at that time; later revisions are not known yet. Whether a series
may be reused is a tag of the series, which the record keeps.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from evidence import indicators
from evidence.record import MissingReason, Quality, Unit
from evidence.sources.base import Fact, Failed, Gathered, Job, Question, Source
from evidence.sources.json_parts import loads
from evidence.sources.web import Pace, Web

# FRED allows 120 requests a minute.
PACE: Final = Pace(60, 60)
_MOST: Final = 2 * 1024 * 1024
_FRESH: Final = 3600
_FRESH_TAGS: Final = 7 * 86_400
# Two years of values, so that there is one of a year before, whatever the delay of its publication.
_BACK: Final = timedelta(days=800)
# FRED's days are those of St. Louis, which is at most this far behind UTC.
_BEHIND: Final = timedelta(hours=6)
# Tags of rights under which values may be shown, with their source; others need an approval.
_ALLOWED: Final = frozenset({"public domain: citation requested", "copyrighted: citation required"})


@dataclass(frozen=True)
class _Series:
    """`factor` makes its values ones of the unit. A value older than `fresh` is stale. `rate` is the metric of its
    change over twelve months."""

    id: str
    metric: str
    unit: Unit
    fresh: timedelta
    currency: str | None = None
    factor: int = 1
    rate: str = ""
    definition: str = ""
    is_quarterly: bool = False
    is_daily: bool = False

    def period(self, day: date) -> str:
        if self.is_daily:
            return day.isoformat()
        return f"Q{(day.month + 2) // 3} {day.year}" if self.is_quarterly else f"{day.year}-{day.month:02}"


_MONTHS: Final = timedelta(days=80)
_SERIES: Final = (
    _Series("CPIAUCNS", "cpi", Unit.INDEX, _MONTHS, rate="inflation"),
    _Series("CPILFENS", "core_cpi", Unit.INDEX, _MONTHS, rate="core_inflation"),
    _Series("UNRATE", "unemployment", Unit.PERCENT, _MONTHS),
    _Series(
        "GDPC1", "real_gdp", Unit.CURRENCY, timedelta(days=220), currency="USD", factor=10**9, is_quarterly=True,
        definition="gross domestic product in chained dollars, seasonally adjusted, yearly rate",
    ),
    _Series("TB3MS", "treasury_bill_rate", Unit.PERCENT, _MONTHS),
    _Series(
        "FEDFUNDS", "policy_rate", Unit.PERCENT, _MONTHS,
        definition="effective federal funds rate, average of the month",
    ),
    _Series(
        "DGS10", "yield_10y", Unit.PERCENT, timedelta(days=10), is_daily=True,
        definition="market yield of ten-year treasury securities at constant maturity",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Fred(Source):
    web: Web
    url: str
    key: str

    def jobs(self, question: Question) -> Sequence[Job]:
        return [
            Job("FRED", [("US", each.metric)], partial(self._answer, each, question.as_of))
            for each in _SERIES
        ]

    async def _answer(self, series: _Series, as_of: datetime) -> Gathered:
        tags = await self._ask("tags", {"series_id": series.id}, _tags, _FRESH_TAGS)
        rights = [tag for tag in tags if tag in _ALLOWED]
        if not rights:
            raise Failed(MissingReason.LICENCE, f"{series.id}: {', '.join(tags)[:100] or 'no rights stated'}")
        last = (as_of - _BEHIND).date()
        parameters = {
            "series_id": series.id,
            "realtime_start": (last - _BACK).isoformat(),
            "realtime_end": last.isoformat(),
            "observation_start": (last - _BACK).isoformat(),
            "limit": "10000",
        }
        rows = await self._ask("observations", parameters, _observations, _FRESH)
        return await asyncio.to_thread(_gathered, series, rows, rights[0], as_of)

    async def _ask(self, what: str, parameters: Mapping[str, str], reduce: Any, fresh: int) -> Any:
        reduced = await self.web.ask(
            f"{self.url}/fred/series/{what}", {**parameters, "file_type": "json"}, reduce,
            most=_MOST, fresh=fresh, secret={"api_key": self.key},
        )  # fmt: skip
        return json.loads(reduced)


def _tags(body: bytes) -> bytes:
    """The names of the tags that state rights."""
    return json.dumps([str(tag["name"]) for tag in loads(body)["tags"] if tag["group_id"] == "cc"]).encode()


def _observations(body: bytes) -> bytes:
    """[[day, value, published] ...]; FRED writes a missing value as a dot."""
    rows = loads(body)["observations"]
    return json.dumps(
        [[row["date"], row["value"], row["realtime_start"]] for row in rows if row["value"] != "."]
    ).encode()


@dataclass(frozen=True)
class _Value:
    """`is_revised`: an earlier version was published before."""

    day: date
    value: Decimal
    known_at: datetime
    is_revised: bool


def _gathered(series: _Series, rows: Sequence[Sequence[str]], rights: str, as_of: datetime) -> Gathered:
    values = _as_known(rows, as_of)
    if not values:
        raise Failed(MissingReason.NO_DATA, series.id)
    newest = values[-1]

    def fact(metric: str, value: Decimal, unit: Unit, definition: str) -> Fact:
        is_old = as_of - newest.known_at > series.fresh
        quality = Quality.RESTATED if newest.is_revised else Quality.OK
        return Fact(
            subject="US", metric=metric, period=series.period(newest.day), value=value, unit=unit,
            currency=series.currency if unit is Unit.CURRENCY else None, source="FRED, St. Louis Fed", licence=rights,
            locator=f"{series.id} {newest.day}, version of {newest.known_at.date()}", known_at=newest.known_at,
            quality=Quality.STALE if is_old else quality, definition=definition,
        )  # fmt: skip

    found = [fact(series.metric, newest.value * series.factor, series.unit, series.definition)]
    year_before = [each for each in values if each.day == newest.day.replace(year=newest.day.year - 1, day=1)]
    if series.rate and year_before:
        change = indicators.change(float(year_before[0].value), float(newest.value))
        found.append(fact(series.rate, Decimal(repr(round(change, 6))), Unit.PERCENT, ""))
    return Gathered(tuple(found))


def _as_known(rows: Sequence[Sequence[str]], as_of: datetime) -> list[_Value]:
    """Of each day the newest version that was known, oldest day first."""
    versions: dict[date, list[tuple[datetime, Decimal]]] = {}
    for day, value, published in rows:
        # Published in the course of that day.
        known_at = datetime.combine(date.fromisoformat(published), time(23, 59, 59, tzinfo=UTC))
        if known_at <= as_of:
            versions.setdefault(date.fromisoformat(day), []).append((known_at, Decimal(value)))
    return [
        _Value(day, max(known)[1], max(known)[0], len({value for _, value in known}) > 1)
        for day, known in sorted(versions.items())
    ]
