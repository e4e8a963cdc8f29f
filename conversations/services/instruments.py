"""Finds the instrument of a new debate where the library does not know it, before anything costs."""

from conversations.domain.errors import InvalidInput
from conversations.domain.requests import NewConversation
from conversations.runs import gathering
from evidence.instruments import UnknownInstrument
from evidence.sources.base import Failed


async def settled(new: NewConversation) -> NewConversation:
    """The request with the symbol of its instrument. Raises InvalidInput."""
    if not new.instrument:
        return new
    try:
        instrument = await gathering.find(new.instrument)
    except UnknownInstrument as unknown:
        raise InvalidInput.of("instrument", "unknown_instrument", str(unknown)) from None
    except Failed:
        raise InvalidInput.of(
            "instrument",
            "instrument_not_found_now",
            "The list of companies cannot be reached, and the library does not have this one. Try again in a minute.",
        ) from None
    return new.model_copy(update={"instrument": instrument.symbol})
