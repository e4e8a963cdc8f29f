"""Trading days by rule, against every session and every rate of the library."""

from datetime import date, timedelta

from evidence.calendars import FIRST, Market, easter, is_open
from evidence.library import series


def open_days(market: Market, first: date, last: date) -> list[date]:
    """The market's days from the first to the last, both included."""
    span = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in span if is_open(market, day)]


def test_new_york_is_open_on_the_days_with_prices() -> None:
    sessions = [session.day for session in series.prices()["IBM"]]
    assert open_days(Market.NEW_YORK, sessions[0], sessions[-1]) == sessions


def test_target_is_open_on_the_days_with_rates() -> None:
    fixed = [day for day, _ in series.rates("USD") if day >= FIRST]
    assert open_days(Market.TARGET, fixed[0], fixed[-1]) == fixed


def test_holidays_of_later_years_are_kept() -> None:
    closed = ["2021-12-24", "2022-06-20", "2024-03-29", "2025-01-09", "2026-07-03", "2027-12-24"]
    assert [is_open(Market.NEW_YORK, date.fromisoformat(day)) for day in closed] == [False] * 6
    assert is_open(Market.NEW_YORK, date(2021, 12, 31))
    assert easter(2026) == date(2026, 4, 5)
