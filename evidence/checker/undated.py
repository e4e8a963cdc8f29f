"""Times that a text names without their year: in June, on Friday, in the fourth quarter, two weeks ago."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from evidence.checker.masks import MONTH, MONTHS

MONTH_NUMBERS: Final = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}
_WEEKDAYS: Final = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_QUARTERS: Final = {"1": 1, "2": 2, "3": 3, "4": 4, "first": 1, "second": 2, "third": 3, "fourth": 4}
_COUNT: Final = (
    r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|several|many|(?:a )?few|some)"
)
# For each kind of time, how many days the period of an item may last to be meant, and how people say it.
_KINDS: Final[Mapping[str, tuple[int, str]]] = {
    # What is reported in October, or ends in September, is of another time.
    "other": (0, rf"(?:end|report|announc|publish|fil|releas)(?:s|es|ed|ing) in {MONTH}"),
    "day": (
        1,
        rf"\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}"
        rf"|{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?![.,]?\d|,? ?(?:19|20)\d\d| ?%| per| [bm]il|bn)",
    ),
    "month": (
        32,
        r"(?:[Ii]n|[Ss]ince|[Bb]y|[Dd]uring|[Uu]ntil|[Tt]hrough|[Oo]f|[Ll]ast|[Tt]his|[Ff]or|[Ii]ts)"
        rf" (?:early |late |mid-)?{MONTH}(?!\.? ?\d| quarter)"
        rf"|{MONTH}(?:'s)?(?= (?:high|low|clos|peak|trough|bottom|volume|inflation|CPI|unemployment))",
    ),
    "quarter": (
        101,
        rf"Q[1-4]|[1-4]Q|(?i:first|second|third|fourth)[- ](?:fiscal[- ])?quarter|{MONTH} quarter",
    ),
    "any_quarter": (
        101,
        r"(?i:final|last|latest|current|this|past|previous|prior|holiday|the)[- ](?:fiscal )?quarter(?! of\b)"
        r"|(?i:quarterly)(?! (?:returns?|report))",
    ),
    "half": (190, r"[HS][12]|[12]H|(?i:first|second)[- ]half|(?i:half)[- ]year(?:ly)?"),
    "months": (290, r"(?i:six|nine|6|9)[- ]months?(?= (?:end|to\b|revenue|sales|net|profit|earn|operating|income))"),
    "weekday": (1, r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"),
    "last_month": (32, r"(?i:last month)"),
    "last_week": (8, r"(?i:last week)"),
    "past": (
        0,
        rf"(?i:yesterday|(?=[\dafostn]){_COUNT} (?:days?|weeks?|months?|decades?) (?:ago|earlier|before)|years ago"
        r"|(?:after|before) hours|after-hours|pre-market|historically|intraday|at the open|in early trading)"
        r"|Before (?:the|its|that|this)",
    ),
}  # fmt: skip
_EXPRESSION: Final = re.compile(
    r"\b(?=\w)(?:{})\b".format("|".join(f"(?P<{kind}>{pattern})" for kind, (_, pattern) in _KINDS.items()))
)
_MONTH: Final = re.compile(MONTHS)
_QUARTER: Final = re.compile(r"[1-4]|first|second|third|fourth", re.IGNORECASE)


@dataclass(frozen=True)
class Undated:
    """A time without its year. An item is meant only if its period lasts fewer `days`; None of the others: any."""

    days: int
    month: int | None = None
    day: int | None = None
    weekday: int | None = None

    def holds(self, first: date, last: date) -> bool:
        """Whether a period of the record may be meant."""
        return (
            (last - first).days < self.days
            and self.month in {None, last.month}
            and self.day in {None, last.day}
            and self.weekday in {None, last.weekday()}
        )


def undated(text: str) -> list[tuple[int, int, Undated]]:
    """(start, end, time) of all that are named, in order."""
    return [
        (*match.span(), _undated(match.lastgroup or "", match[0]))
        for match in _EXPRESSION.finditer(text)
        if match.lastgroup != "other"
    ]


def _undated(kind: str, said: str) -> Undated:
    days, _ = _KINDS[kind]
    if kind == "weekday":
        return Undated(days, weekday=_WEEKDAYS[said[:3].lower()])
    name = _MONTH.search(said) if kind in {"day", "month", "quarter"} else None
    month = MONTH_NUMBERS[name[0][:3].lower()] if name else None
    if kind == "day":
        number = re.search(r"\d+", said)
        return Undated(days, month, int(number[0]) if number else None)
    if kind == "quarter" and month is None and (quarter := _QUARTER.search(said)):
        month = 3 * _QUARTERS[quarter[0].lower()]
    return Undated(days, month)
