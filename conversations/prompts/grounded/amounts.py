"""Figures as the local model says them: exact to the digits given, with what they are cited from."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from evidence.record import Item, Unit

_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}
_SCALES: Final = ((10**9, "billion"), (10**6, "million"))
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def cited(text: str, *items: Item) -> str:
    return f"{text} [{', '.join(item.id for item in items)}]"


def of(item: Item) -> str:
    """The item's value with its unit."""
    value = item.value
    if item.unit is Unit.PERCENT:
        return percent(value)
    if item.unit is Unit.RATIO:
        return f"{value:.1f}x"
    if item.unit is Unit.CURRENCY:
        sign, symbol = "-" if value < 0 else "", _SYMBOLS.get(item.currency or "", "")
        number = _scaled(abs(value), places=4 if item.metric == "fx" else 2)
        return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {item.currency or ''}".strip()
    return _scaled(value, places=1)


def percent(value: Decimal) -> str:
    return f"{value:.1f}%"


def _scaled(value: Decimal, places: int) -> str:
    for size, name in _SCALES:
        if abs(value) >= size:
            return f"{value / size:.1f} {name}"
    return f"{value:,.{places}f}"


def span(period: str) -> str:
    """A period as people say it: "November 2012" for 2012-11; others as they are."""
    parts: Sequence[str] = period.split("-")
    if len(parts) == 2 and all(part.isdecimal() for part in parts) and 1 <= int(parts[1]) <= 12:
        return f"{_MONTHS[int(parts[1]) - 1]} {parts[0]}"
    return period


def when(period: str) -> str:
    """ " in FY2012", or nothing if the period is a day, a range of days or unknown."""
    return "" if period.count("-") > 1 or not period else f" in {span(period)}"
