"""Figures of the library: prices and indicators of stocks, annual reports, rates, statistics, as known on a day."""

from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from conversations.agents.tools.tool import Arguments, Outcome, Refused, Tool, in_thread
from conversations.domain import figures
from conversations.domain.events import ResultTable
from evidence.freezing.draft import Draft
from evidence.freezing.economy import add_rates, add_reports, add_statistics
from evidence.freezing.prices import INDICATORS, add_prices
from evidence.instruments import UnknownInstrument, is_pair, resolve
from evidence.library import series
from evidence.record import plain

_REPORTED: Final = ("revenue", "net_income", "eps")
_STATISTICS: Final = (
    "cpi", "core_cpi", "inflation", "core_inflation", "unemployment", "real_gdp", "treasury_bill_rate",
)  # fmt: skip
Metric = StrEnum("Metric", {name: name for name in (*INDICATORS, *_REPORTED, "fx", *_STATISTICS)})  # type: ignore[misc]
US: Final = "US"


class LookUp(Arguments):
    subject: Annotated[
        str,
        Field(
            max_length=100, description="A ticker or company, such as AAPL; EURUSD; or US for the economy."
        ),
    ]
    metric: Metric
    at: Annotated[date | None, Field(description="YYYY-MM-DD: as known at the end of it; null for now.")] = (
        None
    )


def _look_up(given: LookUp, as_of: datetime) -> Outcome:
    at = as_of if given.at is None else min(as_of, datetime.combine(given.at, time.max, UTC))
    draft = Draft(at)
    subject = _draft(draft, given.subject, given.metric.value)
    items = [item for item in draft.items if item.metric == given.metric]
    if not items:
        reason = next((each.reason for each in draft.missing if each.metric == given.metric), "no_data")
        raise Refused(
            "no_data",
            f"The library has no {given.metric.replace('_', ' ')} of {subject} as known at {at.date()}"
            f" ({reason.replace('_', ' ')}).",
        )
    unit = figures.unit(items[0].unit, items[0].currency)
    rows = [(item.period, plain(item.value) + unit, item.source) for item in items]
    text = "; ".join(
        f"{subject} {given.metric.replace('_', ' ')}, {period}: {value}" for period, value, _ in rows
    )
    numbered = [item.model_copy(update={"id": f"E{place}"}) for place, item in enumerate(items, start=1)]
    table = ResultTable(columns=("period", given.metric, "source"), rows=tuple(rows), total=len(rows))
    return Outcome(text, numbered, table)


def _draft(draft: Draft, named: str, metric: str) -> str:
    """Puts the figures into the draft; returns the subject's symbol."""
    if metric in _STATISTICS:
        add_statistics(draft)
        return US
    try:
        symbol = resolve(named).symbol
    except UnknownInstrument as unknown:
        raise Refused("unknown_subject", str(unknown)) from None
    if is_pair(symbol) != (metric == "fx"):
        raise Refused("no_data", f"{symbol} has no {metric.replace('_', ' ')}.")
    if metric == "fx":
        add_rates(draft, "USD")
    elif metric in _REPORTED:
        add_reports(draft, symbol)
    elif symbol in series.prices():
        add_prices(draft, symbol, (metric,))
    return symbol


TOOL: Final = Tool(
    "look_up",
    "Look up a figure of a company, a rate or the economy, as it was known on a day.",
    LookUp,
    in_thread(_look_up),
)
