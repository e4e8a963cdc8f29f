"""The configured sources of figures, and what they have about the instrument of a debate."""

from dataclasses import dataclass
from datetime import datetime

from evidence.instruments import UnknownInstrument, resolve
from evidence.record import Instrument
from evidence.sources.base import NOTHING, Gathered


@dataclass(frozen=True)
class Known:
    """The instrument of a debate, and what the sources have about it."""

    instrument: Instrument | None
    gathered: Gathered = NOTHING


async def known(symbol: str, as_of: datetime) -> Known:
    """What is known of the instrument with this symbol ("" for none) beside the library. Takes at most the seconds
    that sources get."""
    return Known(named(symbol))


def named(symbol: str) -> Instrument | None:
    """The instrument of a stored symbol, without asking a source."""
    if not symbol:
        return None
    try:
        return resolve(symbol)
    except UnknownInstrument:
        return Instrument(symbol=symbol, name=symbol)
