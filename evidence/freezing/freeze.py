"""The snapshot of a debate: first the instrument, then its peers, rates and statistics, then the figures of a
person's sources."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from evidence.freezing.draft import Draft
from evidence.freezing.economy import add_rates, add_reports, add_statistics
from evidence.freezing.prices import INDICATORS, OF_PEERS, add_prices
from evidence.library import series
from evidence.record import Instrument, Quality, Snapshot, Unit


@dataclass(frozen=True)
class Found:
    """A figure of a person's source: what it says, and where it stands."""

    subject: str
    metric: str
    period: str
    value: Decimal
    unit: Unit
    currency: str | None
    label: str
    source: str
    locator: str


def freeze(instrument: Instrument | None, as_of: datetime, found: Iterable[Found] = ()) -> Snapshot:
    """The snapshot for a debate about an instrument, or about a person's sources alone."""
    draft = Draft(as_of)
    if instrument is not None:
        if instrument.symbol in series.prices():
            add_prices(draft, instrument.symbol, tuple(INDICATORS))
            add_reports(draft, instrument.symbol)
            for peer in series.prices():
                if peer != instrument.symbol:
                    add_prices(draft, peer, OF_PEERS)
        add_rates(draft, "USD")
        add_statistics(draft)
    for each in found:
        draft.add(
            each.subject, each.metric, label=each.label, definition="", period=each.period, value=each.value,
            unit=each.unit, currency=each.currency, source=each.source, locator=each.locator, known_at=as_of,
            quality=Quality.USER,
        )  # fmt: skip
    return Snapshot(
        as_of=as_of, instrument=instrument, items=tuple(draft.items), missing=tuple(draft.missing)
    )
