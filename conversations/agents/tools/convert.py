"""Conversion of currencies by the European Central Bank's reference rates."""

from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from typing import Annotated, Final, Literal

from pydantic import Field

from conversations.agents.tools.tool import Arguments, Outcome, Refused, Tool, in_thread
from evidence.library import series
from evidence.record import Item, Number, Unit, plain

Currency = Literal["EUR", "USD", "JPY", "GBP", "CHF", "SEK", "NOK", "CAD", "AUD", "CNY"]
# A day without a rate takes that of the last one before it; a longer gap is none of weekends and holidays.
_GAP: Final = timedelta(days=7)
_DIGITS: Final = Context(prec=12)
_SOURCE: Final = "European Central Bank, euro reference rates"
_LICENCE: Final = "free reuse, source named, unmodified"


class Conversion(Arguments):
    amount: Annotated[Number, Field(description="Such as 1250.50.")]
    from_currency: Currency
    to_currency: Currency
    on: Annotated[date | None, Field(description="YYYY-MM-DD; null for the newest rate.")] = None


def _convert(given: Conversion, as_of: datetime) -> Outcome:
    source, target = given.from_currency, given.to_currency
    if given.on is not None and given.on > as_of.date():
        raise Refused("in_the_future", f"The newest rate that counts here is that of {as_of.date()}.")
    rates = {each: _rate(each, given.on, as_of) for each in (source, target)}
    fixed = min(found[0] for found in rates.values())
    rate = _DIGITS.divide(rates[target][1], rates[source][1])
    result = _DIGITS.multiply(given.amount, rate).quantize(Decimal("0.01"), context=_DIGITS)
    words = f"{plain(given.amount)} {source} = {plain(result)} {target}"
    common = {
        "period": fixed.isoformat(),
        "source": _SOURCE,
        "licence": _LICENCE,
        "known_at": series.rate_known_at(fixed),
    }
    items = [
        Item(
            id="E1", subject=f"{source}{target}", metric="fx", definition="by the reference rates of the day",
            value=rate, unit=Unit.CURRENCY, currency=target, locator=f"{source}/{target} {fixed}", **common,
        ),
        Item(
            id="E2", subject=words[:100], metric="result", label=words, value=result, unit=Unit.CURRENCY,
            currency=target, locator=f"{source}/{target} {fixed}", **common,
        ),
    ]  # fmt: skip
    return Outcome(f"{words}, at {plain(rate)} {target} for 1 {source} on {fixed}", items)


def _rate(currency: str, on: date | None, as_of: datetime) -> tuple[date, Decimal]:
    """The newest rate of the currency up to a day, and its own day; None: the newest of all."""
    if currency == "EUR":
        # As the dollar, which has a rate on every day.
        return _rate("USD", on, as_of)[0], Decimal(1)
    rates, day = series.rates(currency), on or as_of.date()
    known = [each for each in rates if each[0] <= day and series.rate_known_at(each[0]) <= as_of]
    if not known or (on is not None and on - known[-1][0] > _GAP):
        words = f"Rates of {currency} are known from {rates[0][0]} to {rates[-1][0]}; name a day between."
        raise Refused("no_rate", words)
    return known[-1]


TOOL: Final = Tool(
    "convert_currency",
    "Convert an amount of money by the European Central Bank's reference rates of a day.",
    Conversion,
    in_thread(_convert),
)
