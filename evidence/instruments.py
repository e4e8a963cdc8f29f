"""What a debate can be about: found once by ticker or name."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from evidence.record import Instrument

INSTRUMENTS: Final[Sequence[Instrument]] = (
    Instrument(symbol="AAPL", name="Apple", exchange="NASDAQ", currency="USD", names=("Apple Inc",)),
    Instrument(symbol="MSFT", name="Microsoft", exchange="NASDAQ", currency="USD", names=("Microsoft Corp",)),
    Instrument(symbol="GOOG", name="Google", exchange="NASDAQ", currency="USD", names=("Alphabet",)),
    Instrument(symbol="FB", name="Facebook", exchange="NASDAQ", currency="USD", names=("Meta",)),
    Instrument(
        symbol="IBM", name="IBM", exchange="NYSE", currency="USD", names=("International Business Machines",)
    ),
    Instrument(
        symbol="EURUSD",
        name="the euro in US dollars",
        exchange="ECB",
        currency="USD",
        names=("euro", "EUR/USD"),
    ),
)


class UnknownInstrument(Exception):
    """No instrument has this ticker or name. The message says what may be meant."""


def resolve(text: str) -> Instrument:
    """The instrument of a ticker or name, in any case. Raises UnknownInstrument."""
    wanted = text.strip().casefold()
    known = {name.casefold(): each for each in INSTRUMENTS for name in (each.symbol, each.name, *each.names)}
    if wanted in known:
        return known[wanted]
    raise unknown(text, [known[name].symbol for name in get_close_matches(wanted, known, n=3, cutoff=0.6)])


def unknown(text: str, near: Iterable[str]) -> UnknownInstrument:
    """The error for a text that may mean one of these symbols."""
    symbols = dict.fromkeys(near)
    meant = (
        f"Did you mean {' or '.join(symbols)}?"
        if symbols
        else f"Known: {', '.join(each.symbol for each in INSTRUMENTS)}."
    )
    return UnknownInstrument(f"There is no instrument {text.strip()[:50]!r}. {meant}")


def is_pair(symbol: str) -> bool:
    """Whether it is a currency pair, which has a rate in place of prices and reports."""
    return any(each.symbol == symbol and each.exchange == "ECB" for each in INSTRUMENTS)
