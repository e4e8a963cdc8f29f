"""Periods, as a record writes them and as people say them: intervals of days."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from evidence.checker.masks import MONTHS
from evidence.checker.undated import MONTH_NUMBERS, Undated, undated

_MONTH: Final = rf"(?=[JFMASOND])(?P<month>{MONTHS})\b\.?"
_YEAR: Final = r"(?P<year>(?:19|20)\d{2})"
_SAID: Final = re.compile(
    # Letters are looked at where a word begins.
    rf"(?:(?<![A-Za-z])|(?=\d))(?:\b(?P<iso>\d{{4}}-\d{{2}}(?:-\d{{2}})?)\b"
    rf"|\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH},? ?{_YEAR}\b"
    rf"|\b{_MONTH.replace('month', 'month2')} (?P<day2>\d{{1,2}})(?:st|nd|rd"
    rf"|th)?,? ?{_YEAR.replace('year', 'year2')}\b"
    rf"|\b{_MONTH.replace('month', 'month3')},? ?{_YEAR.replace('year', 'year3')}\b"
    rf"|\b(?:Q(?P<quarter>[1-4])|(?P<quarter2>[1-4])Q|(?P<ordinal>first|second|third"
    rf"|fourth)[- ]quarter)(?: ?(?:of|FY|fiscal|'))* ?(?P<year4>(?:19|20)?\d{{2}})\b"
    rf"|\b(?:FY|fiscal(?: year)?|financial year|full[- ]year) ?'?(?P<year5>(?:19|20)?\d{{2}})(?!\d|[.,]\d|%)"
    rf"|(?<![\d.,$€£]){_YEAR.replace('year', 'year6')}(?![\d%]|[.,]\d|s\b))",
    re.IGNORECASE,
)
_BEFORE: Final = re.compile(
    r"\b(?=[aotplyt1])(?:a year (?:earlier|ago|before|prior)|one year (?:earlier|ago|before)|(?:the )?(?:previous|prior"
    r"|preceding) year"
    r"|the year before|last year|(?:the )?year[- ]ago(?: period| quarter)?|12 months (?:earlier|ago)|previously"
    r"|prior[- ]year)\b",
    re.IGNORECASE,
)
_NOW: Final = re.compile(r"\b(?:now|currently|today|at present|presently|as of now|latest)\b", re.IGNORECASE)
_YEARS_BEFORE: Final = re.compile(
    r"\b(?P<count>\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|twenty) years (?:ago|earlier|before|prior)\b",
    re.IGNORECASE,
)
_COUNTS: Final = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twenty": 20,
}  # fmt: skip
_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4}


@dataclass(frozen=True)
class Period:
    """`first` to `last`, both included. `is_fiscal`: a company's own year or quarter, named by the year it ends in."""

    first: date
    last: date
    is_fiscal: bool = False

    def holds(self, other: "Period") -> bool:
        """Whether the other ends within it: a year holds the values of its days."""
        return self.first <= other.last <= self.last


@dataclass(frozen=True)
class Said:
    """A period in a text: `period`, or `years_back` years before the latest, or any that `undated` may mean."""

    start: int
    end: int
    period: Period | None
    years_back: int | None = None
    undated: Undated | None = None


@lru_cache(maxsize=1_024)
def recorded(text: str) -> Period | None:
    """The period of an item; None if it is not understood."""
    begin, dots, end = text.partition("..")
    if dots:
        first, last = recorded(begin), recorded(end)
        return Period(first.first, last.last) if first and last and first.first <= last.last else None
    found = next(iter(said(text)), None)
    return found.period if found is not None and found.end - found.start == len(text) else None


def said(text: str) -> list[Said]:
    """The periods that a text names, in order."""
    found = [
        Said(*match.span(), period)
        for match in _SAID.finditer(text)
        if (period := _period(match)) is not None
    ]
    found += [Said(*match.span(), None, 1) for match in _BEFORE.finditer(text)]
    found += [Said(*match.span(), None, 0) for match in _NOW.finditer(text)]
    found += [
        Said(*match.span(), None, _COUNTS.get(match["count"].lower()) or int(match["count"]))
        for match in _YEARS_BEFORE.finditer(text)
    ]
    dated = [(each.start, each.end) for each in found]
    found += [
        Said(start, end, None, undated=time)
        for start, end, time in undated(text)
        if not any(first < end and start < last for first, last in dated)
    ]
    return sorted(found, key=lambda each: each.start)


def _period(match: re.Match[str]) -> Period | None:
    groups = {name.rstrip("23456789"): text for name, text in match.groupdict().items() if text}
    try:
        if iso := groups.get("iso"):
            year, month, *day = map(int, iso.split("-"))
            return _days(year, month, day[0] if day else None)
        year = _full_year(groups["year"])
        if quarter := groups.get("quarter") or _ORDINALS.get(groups.get("ordinal", "").lower()):
            last_month = 3 * int(quarter)
            return Period(
                date(year, last_month - 2, 1),
                date(year, last_month, monthrange(year, last_month)[1]),
                is_fiscal=True,
            )
        if name := groups.get("month"):
            return _days(
                year, MONTH_NUMBERS[name[:3].lower()], int(groups["day"]) if "day" in groups else None
            )
        is_fiscal = match["year5"] is not None
        return Period(date(year, 1, 1), date(year, 12, 31), is_fiscal)
    except ValueError:
        return None


def _days(year: int, month: int, day: int | None) -> Period:
    if day is not None:
        return Period(date(year, month, day), date(year, month, day))
    return Period(date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def _full_year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)
