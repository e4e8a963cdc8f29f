"""The snapshot of a debate: first the instrument, then its peers, rates and statistics, then the figures of a
person's sources."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from evidence.freezing.draft import Draft
from evidence.freezing.economy import add_rates, add_reports, add_statistics
from evidence.freezing.prices import INDICATORS, OF_PEERS, add_prices
from evidence.instruments import is_pair
from evidence.library import series
from evidence.record import Instrument, Quality, Snapshot, Unit
from evidence.sources.base import NOTHING, Gathered


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


def freeze(
    instrument: Instrument | None,
    as_of: datetime,
    found: Iterable[Found] = (),
    gathered: Gathered = NOTHING,
) -> Snapshot:
    """The snapshot for a debate about an instrument, or about a person's sources alone. `gathered` is what the
    configured sources have about the instrument."""
    draft = Draft(as_of, gathered)
    if instrument is not None:
        _add_instrument(draft, instrument)
        draft.take(fact for fact in gathered.facts if fact.subject != instrument.symbol)
        add_rates(draft, "USD")
        add_statistics(draft)
        draft.say_what_sources_lack()
    for each in found:
        draft.append(
            each.subject, each.metric, label=each.label, definition="", period=each.period, value=each.value,
            unit=each.unit, currency=each.currency, source=each.source, locator=each.locator, known_at=as_of,
            quality=Quality.USER,
        )  # fmt: skip
    return Snapshot(
        as_of=as_of, instrument=instrument, items=tuple(draft.items), missing=tuple(draft.missing)
    )


def _add_instrument(draft: Draft, instrument: Instrument) -> None:
    symbol, of_library = instrument.symbol, series.prices()
    own = [fact for fact in draft.gathered.facts if fact.subject == symbol]
    if is_pair(symbol):
        draft.take(own)
        return
    add_prices(draft, symbol, tuple(INDICATORS))
    draft.take(own)
    add_reports(draft, symbol)
    # The library's stocks are not the peers of just any company.
    for peer in of_library if symbol in of_library else ():
        if peer != symbol:
            add_prices(draft, peer, OF_PEERS)
