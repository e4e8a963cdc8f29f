"""The trading days of New York's exchanges (NYSE, NASDAQ) and the days of the euro's payment system (TARGET), on which
the European Central Bank fixes its rates. By rule, without half days.

The rules are checked against all sessions and rates of the library; closures that no rule foresaw are listed.
"""

from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

_MONDAY, _THURSDAY, _SATURDAY = 0, 3, 5
_DAY: Final = timedelta(days=1)

FIRST: Final = date(2000, 1, 1)
"""The first day that the calendars know."""

# New York: 2001 the attacks, funerals of presidents (2004, 2007, 2018, 2025), and the storm of 2012.
_CLOSED_IN_NEW_YORK: Final = frozenset(
    date.fromisoformat(day)
    for day in (
        "2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11", "2007-01-02", "2012-10-29",
        "2012-10-30", "2018-12-05", "2025-01-09",
    )
)  # fmt: skip
# TARGET was also closed on the last days of its first years.
_CLOSED_IN_TARGET: Final = frozenset({date(2001, 12, 31)})


class Market(StrEnum):
    """A calendar of trading days."""

    NEW_YORK = "new_york"
    TARGET = "target"


def is_open(market: Market, day: date) -> bool:
    """Whether the market is open on this day, from FIRST on. Days to come are by today's rules."""
    return day.weekday() < _SATURDAY and day not in _HOLIDAYS[market](day.year)


@lru_cache(maxsize=256)
def _new_york(year: int) -> frozenset[date]:
    days = {
        _nth(year, 1, _MONDAY, 3),
        _nth(year, 2, _MONDAY, 3),
        easter(year) - 2 * _DAY,
        _last(year, 5, _MONDAY),
        _nth(year, 9, _MONDAY, 1),
        _nth(year, 11, _THURSDAY, 4),
    }
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 12, 25)]
    if year >= 2022:
        fixed.append(date(year, 6, 19))
    for day in fixed:
        if day.weekday() == _SATURDAY:
            # New Year's Day on a Saturday would close the last day of a year, on which books are closed.
            if day.month != 1:
                days.add(day - _DAY)
        else:
            days.add(day + _DAY if day.weekday() > _SATURDAY else day)
    return frozenset(days) | _CLOSED_IN_NEW_YORK


@lru_cache(maxsize=256)
def _target(year: int) -> frozenset[date]:
    sunday = easter(year)
    fixed = {date(year, 1, 1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)}
    return frozenset({sunday - 2 * _DAY, sunday + _DAY, *fixed}) | _CLOSED_IN_TARGET


_HOLIDAYS: Final[dict[Market, Callable[[int], frozenset[date]]]] = {
    Market.NEW_YORK: _new_york,
    Market.TARGET: _target,
}


def easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm."""
    century, rest = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    correction = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _last(year: int, month: int, weekday: int) -> date:
    last = date(year, month + 1, 1) - _DAY
    return last - timedelta(days=(last.weekday() - weekday) % 7)
