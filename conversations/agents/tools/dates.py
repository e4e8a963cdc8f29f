"""Days between two dates, and days before or after one: of the calendar, or of a market."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from conversations.agents.tools.tool import Arguments, Outcome, Refused, Tool, in_thread
from evidence import calendars
from evidence.calendars import Market
from evidence.record import Item, Unit

# Days that are counted one by one.
MAX_DAYS: Final = 40_000
_LAST: Final = date(2100, 12, 31)


class Days(StrEnum):
    """Days of the calendar, Mondays to Fridays, or the trading days of a market."""

    CALENDAR = "calendar"
    WEEKDAYS = "weekdays"
    NEW_YORK = "new_york"
    TARGET = "target"


_WORDS: Final = {
    Days.CALENDAR: "days",
    Days.WEEKDAYS: "weekdays",
    Days.NEW_YORK: "trading days in New York",
    Days.TARGET: "days of TARGET, the euro's payment system",
}
Kind = Annotated[
    Days,
    Field(
        description="new_york: trading days of NYSE and NASDAQ; target: days on which the ECB fixes rates."
    ),
]


class Between(Arguments):
    start: Annotated[date, Field(description="YYYY-MM-DD; not counted itself.")]
    end: Annotated[date, Field(description="YYYY-MM-DD; counted itself.")]
    days: Kind = Days.CALENDAR


class Shift(Arguments):
    day: Annotated[date, Field(description="YYYY-MM-DD.")]
    count: Annotated[int, Field(ge=-MAX_DAYS, le=MAX_DAYS, description="Days to go on; below 0 to go back.")]
    days: Kind = Days.CALENDAR


def _is_counted(days: Days, day: date) -> bool:
    if days is Days.CALENDAR:
        return True
    return day.weekday() < 5 if days is Days.WEEKDAYS else calendars.is_open(Market(days), day)


def _require(days: Days, *given: date) -> None:
    first = calendars.FIRST if days in {Days.NEW_YORK, Days.TARGET} else date(1900, 1, 1)
    if any(not first <= day <= _LAST for day in given):
        raise Refused("out_of_range", f"Days from {first} to {_LAST} are known.")


def _between(given: Between, as_of: datetime) -> Outcome:
    _require(given.days, given.start, given.end)
    first, last = sorted((given.start, given.end))
    if (last - first).days > MAX_DAYS:
        raise Refused("out_of_range", f"At most {MAX_DAYS:,} days are counted.")
    span = (first + timedelta(days=number) for number in range(1, (last - first).days + 1))
    count = sum(_is_counted(given.days, day) for day in span) * (1 if given.end >= given.start else -1)
    words = f"{_WORDS[given.days]} from {given.start} to {given.end}"
    item = Item(
        id="E1", subject=words[:100], metric="result", label=words, definition="the last day is counted",
        period=f"{first}..{last}", value=Decimal(count), unit=Unit.COUNT, source="calendar", known_at=as_of,
    )  # fmt: skip
    return Outcome(f"{words}: {count}", [item])


def _shift(given: Shift, as_of: datetime) -> Outcome:
    _require(given.days, given.day)
    step = timedelta(days=1 if given.count > 0 else -1)
    day, left = given.day, abs(given.count)
    while left:
        day += step
        _require(given.days, day)
        left -= _is_counted(given.days, day)
    where = "after" if given.count >= 0 else "before"
    note = "" if _is_counted(given.days, day) else ", which is none of them itself"
    return Outcome(f"{abs(given.count)} {_WORDS[given.days]} {where} {given.day}: {day:%A}, {day}{note}")


BETWEEN: Final = Tool(
    "days_between",
    "Count the days between two dates, of the calendar or of a market's trading days.",
    Between,
    in_thread(_between),
)
SHIFT: Final = Tool(
    "add_days",
    "The date that lies some days after or before another; with 0, whether a day is a trading day.",
    Shift,
    in_thread(_shift),
)
