"""The European Central Bank: euro reference rates, its deposit rate, and the euro area's inflation.

It needs no key. It keeps no earlier versions of a value: inflation is the value of today, and counts as known only when
its final value of that month was out.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from evidence.library.series import first_day_after, rate_known_at
from evidence.record import MissingReason, Quality, Unit
from evidence.sources.base import Fact, Failed, Gathered, Job, Question, Source
from evidence.sources.web import Pace, Web

SOURCE: Final = "European Central Bank"
LICENCE: Final = "free reuse, source named, unmodified"
PACE: Final = Pace(10, 1)
_MOST: Final = 1024 * 1024
_FRESH: Final = 900
_YEAR: Final = timedelta(days=365)
# A year of values before the newest one, which may be the month before the last.
_BACK: Final = timedelta(days=460)
# Days after a month at which its inflation is final for certain.
_INFLATION_DAYS: Final = 25


@dataclass(frozen=True)
class _Series:
    """`path` is the series' address below `data/`. A value older than `fresh` is stale."""

    subject: str
    metric: str
    path: str
    unit: Unit
    currency: str | None
    fresh: timedelta
    definition: str

    def known_at(self, period: str) -> datetime:
        if len(period) == len("2026-10"):
            return datetime.combine(
                first_day_after(period) + timedelta(days=_INFLATION_DAYS), time(12, tzinfo=UTC)
            )
        return rate_known_at(date.fromisoformat(period))


def _rate(currency: str) -> _Series:
    return _Series(
        f"EUR{currency}", "fx", f"EXR/D.{currency}.EUR.SP00.A", Unit.CURRENCY, currency, timedelta(days=7),
        "reference rate of the European Central Bank",
    )  # fmt: skip


_OF_EURO_AREA: Final = (
    _Series(
        "EA", "policy_rate", "FM/D.U2.EUR.4F.KR.DFR.LEV", Unit.PERCENT, None, timedelta(days=7),
        "deposit facility rate of the European Central Bank",
    ),
    _Series(
        "EA", "inflation", "ICP/M.U2.N.000000.4.ANR", Unit.PERCENT, None, timedelta(days=90),
        "change of the harmonised index of consumer prices of the euro area over twelve months",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Ecb(Source):
    web: Web
    url: str

    def jobs(self, question: Question) -> Sequence[Job]:
        currencies = dict.fromkeys(("USD", question.instrument.currency or "USD"))
        currencies.pop("EUR", None)
        series = [*map(_rate, currencies), *_OF_EURO_AREA]
        return [
            Job(SOURCE, [(each.subject, each.metric)], partial(self._answer, each, question.as_of))
            for each in series
        ]

    async def _answer(self, series: _Series, as_of: datetime) -> Gathered:
        parameters = {
            "format": "csvdata",
            "startPeriod": (as_of - _BACK).date().isoformat(),
            "endPeriod": as_of.date().isoformat(),
        }
        url = f"{self.url}/service/data/{series.path}"
        reduced = await self.web.ask(url, parameters, _reduced, most=_MOST, fresh=_FRESH)
        return Gathered(tuple(_facts(series, reduced.decode(), as_of)))


def _reduced(body: bytes) -> bytes:
    """Lines of a period and a value. An empty answer has no values, and a holiday none or NaN."""
    rows = csv.DictReader(body.decode("utf-8-sig").splitlines())
    values = [(row["TIME_PERIOD"], row["OBS_VALUE"]) for row in rows]
    return "\n".join(f"{period} {value}" for period, value in values if value not in {"", "NaN"}).encode()


def _facts(series: _Series, reduced: str, as_of: datetime) -> Iterator[Fact]:
    """The newest value that was known, and the one of a year before."""
    values = sorted(tuple(line.split(" ", 1)) for line in reduced.splitlines())
    known = [(period, value) for period, value in values if series.known_at(period) <= as_of]
    if not known:
        raise Failed(MissingReason.NO_DATA, series.path)
    newest = known[-1]
    before = series.known_at(newest[0]) - _YEAR
    earlier = [each for each in known if series.known_at(each[0]) <= before][-1:]
    is_old = as_of - series.known_at(newest[0]) > series.fresh
    for period, value in (newest, *earlier):
        yield Fact(
            subject=series.subject, metric=series.metric, period=period, value=Decimal(value), unit=series.unit,
            currency=series.currency, source=SOURCE, licence=LICENCE, locator=f"{series.path} {period}",
            known_at=series.known_at(period), quality=Quality.STALE if is_old else Quality.OK,
            definition=series.definition,
        )  # fmt: skip
