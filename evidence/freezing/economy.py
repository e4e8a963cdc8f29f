"""Exchange rates, statistics and annual reports, as known at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from evidence import indicators
from evidence.freezing.draft import PUBLIC_DOMAIN, Draft
from evidence.freezing.prices import exact, months_before
from evidence.library import series
from evidence.library.series import Statistic
from evidence.record import MissingReason, Quality, Unit

# A rate that is older than this is stale.
STALE_RATE: Final = timedelta(days=7)
ECB: Final = "European Central Bank, euro reference rates"
BLS: Final = "US Bureau of Labor Statistics"
BEA: Final = "US Bureau of Economic Analysis"
SEC: Final = "SEC EDGAR"


def add_reports(draft: Draft, ticker: str) -> None:
    known = []
    for report in series.reports():
        filed = datetime.fromisoformat(f"{report['filed']}T23:00:00+00:00")
        if report["ticker"] == ticker and filed <= draft.as_of:
            known.append((report, filed))
    if not known:
        for metric in ("revenue", "net_income", "eps"):
            draft.lack(ticker, metric, MissingReason.NO_DATA)
        return
    report, filed = known[-1]
    for figure in report["figures"]:
        draft.add(
            ticker, figure["metric"], definition=f"as reported in the {report['form']}", period=figure["period"],
            value=Decimal(figure["value"]), unit=Unit(figure["unit"]), currency="USD", source=SEC,
            licence="public filing", locator=f"{report['form']} {report['accession']}", known_at=filed,
        )  # fmt: skip


def add_rates(draft: Draft, currency: str) -> None:
    values = [
        (day, value) for day, value in series.rates(currency) if series.rate_known_at(day) <= draft.as_of
    ]
    if not values:
        draft.lack(f"EUR{currency}", "fx", MissingReason.BEFORE_FIRST_VALUE)
        return
    newest = values[-1]
    a_year_before = [each for each in values if each[0] <= months_before(newest[0], 12)][-1:]
    is_stale = draft.as_of - series.rate_known_at(newest[0]) > STALE_RATE
    for day, value in (newest, *a_year_before):
        draft.add(
            f"EUR{currency}", "fx", period=day.isoformat(), value=value, unit=Unit.CURRENCY, currency=currency,
            source=ECB, licence="free reuse, source named, unmodified", locator=f"EUR/{currency} {day}",
            known_at=series.rate_known_at(day), quality=Quality.STALE if is_stale else Quality.OK,
        )  # fmt: skip


def add_statistics(draft: Draft) -> None:
    for metric, quality, source in (
        ("cpi", Quality.OK, BLS),
        ("core_cpi", Quality.OK, BLS),
        ("unemployment", Quality.OK, BLS),
        ("real_gdp", Quality.RESTATED, BEA),
        ("treasury_bill_rate", Quality.OK, "Federal Reserve, through FRED"),
    ):
        values = [each for each in series.statistics()[metric] if each.known_at <= draft.as_of]
        if not values or draft.as_of - values[-1].known_at > timedelta(days=120):
            draft.lack("US", metric, MissingReason.STALE if values else MissingReason.BEFORE_FIRST_VALUE)
            continue
        _add_statistic(draft, metric, values, quality, source)


def _add_statistic(
    draft: Draft, metric: str, values: Sequence[Statistic], quality: Quality, source: str
) -> None:
    newest = values[-1]
    common: dict[str, Any] = {
        "source": source,
        "licence": PUBLIC_DOMAIN,
        "quality": quality,
        "known_at": newest.known_at,
    }
    is_index = metric.endswith("cpi")
    unit = Unit.INDEX if is_index else Unit.PERCENT if metric != "real_gdp" else Unit.COUNT
    draft.add(
        "US", metric, period=newest.period, value=newest.value, unit=unit, locator=newest.period, **common
    )
    if is_index and len(values) > 12:
        rate = indicators.change(float(values[-13].value), float(newest.value))
        name = "inflation" if metric == "cpi" else "core_inflation"
        period, unit = newest.period, Unit.PERCENT
        draft.add("US", name, period=period, value=exact(rate), unit=unit, locator=period, **common)
