"""Makes the snapshots of the labelled set from the library: `python -m tests.evidence.labelled.freeze`.

They are kept as files, so that a change of the library does not change what the labels were given for.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

from evidence.freezing.draft import Draft
from evidence.freezing.economy import add_rates, add_statistics
from evidence.freezing.prices import INDICATORS, OF_PEERS, add_prices
from evidence.instruments import resolve
from evidence.record import Snapshot

FOLDER = Path(__file__).parent


def companies(day: datetime, *tickers: str, peers: tuple[str, ...] = ()) -> Snapshot:
    draft = Draft(day)
    for ticker in tickers:
        add_prices(draft, ticker, tuple(INDICATORS))
    for peer in peers:
        add_prices(draft, peer, OF_PEERS)
    add_rates(draft, "USD")
    add_statistics(draft)
    return snapshot(draft, tickers[0])


def euro(day: datetime) -> Snapshot:
    draft = Draft(day)
    for currency in ("USD", "JPY", "GBP", "CHF"):
        add_rates(draft, currency)
    add_statistics(draft)
    return snapshot(draft, "EURUSD")


def snapshot(draft: Draft, symbol: str) -> Snapshot:
    return Snapshot(
        as_of=draft.as_of, instrument=resolve(symbol), items=tuple(draft.items), missing=tuple(draft.missing)
    )


def main() -> None:
    made = {
        "ibm-2008": companies(datetime(2008, 12, 31, 23, tzinfo=UTC), "IBM", peers=("AAPL", "MSFT")),
        "msft-2011": companies(datetime(2011, 12, 30, 23, tzinfo=UTC), "MSFT", "GOOG"),
        "euro-2026": euro(datetime(2026, 10, 30, 23, tzinfo=UTC)),
    }
    for name, each in made.items():
        text = json.dumps(each.model_dump(mode="json", exclude_defaults=True), indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
