"""Chooses the figures of a company's newest reports from its XBRL facts. Pure.

A value is taken from the report itself, by its accession number: the same period has other values in later reports,
after restatements and splits, which nobody knew at the time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from evidence.record import Quality
from evidence.sources.base import Fact
from evidence.sources.edgar_concepts import CONCEPTS, OF_A_DAY, OF_QUARTERS, THREE_YEARS, unit

ANNUAL: Final = frozenset({"10-K", "10-K/A", "10-KT", "20-F", "20-F/A", "40-F", "40-F/A"})
QUARTERLY: Final = frozenset({"10-Q", "10-Q/A"})
SOURCE: Final = "SEC EDGAR"
LICENCE: Final = "public filing"
# Years have 52 or 53 weeks, or 12 months.
_YEAR: Final = (timedelta(days=340), timedelta(days=385))
_QUARTER: Final = (timedelta(days=80), timedelta(days=100))
# A year's report comes out at most four months after the next year's end.
_STALE: Final = timedelta(days=500)
# EDGAR writes its times with a Z. For some companies they are UTC, for others New York's: the later reading never lets
# a report be known too early.
CLOCK: Final = ZoneInfo("America/New_York")
# Metrics that every report states for its own period.
_OF_EVERY_REPORT: Final = ("net_income", "total_assets")
# Two concepts for the same thing may differ by rounding.
_SAME: Final = Decimal("0.01")


@dataclass(frozen=True)
class Filing:
    """A report. `end` is the last day of its period; `known_at` when the SEC accepted it."""

    accession: str
    form: str
    end: date
    known_at: datetime


@dataclass(frozen=True)
class Entry:
    """A value as one report states it; `start` is None for a value of a day. `year` and `part` (FY, Q1 ...) are the
    report's own, not those of the value."""

    start: date | None
    end: date
    value: Decimal
    accession: str
    year: int
    part: str
    form: str
    filed: str


# By concept, then by unit.
Entries = Mapping[str, Mapping[str, Sequence[Entry]]]
Span = tuple[date | None, date]


@dataclass(frozen=True)
class _Stated:
    """What one report states with one concept."""

    concept: str
    unit: str
    by_span: Mapping[Span, Entry]


def facts(subject: str, filings: Sequence[Filing], entries: Entries, as_of: datetime) -> Iterator[Fact]:
    """The figures of the newest annual report that was known, and of the quarterly one after it. Old reports may be
    missing in `filings`."""
    stated = {each.accession for units in entries.values() for values in units.values() for each in values}
    known = sorted(
        (
            each
            for each in (*filings, *_unlisted(filings, entries))
            if each.known_at <= as_of and each.accession in stated
        ),
        key=lambda each: each.known_at,
    )
    annual = _newest(known, ANNUAL, date.min)
    for metric in CONCEPTS if annual else ():
        yield from _of_metric(subject, metric, annual, entries, _YEAR, as_of)
    quarterly = _newest(known, QUARTERLY, annual[0].end if annual else date.min)
    for metric in OF_QUARTERS if quarterly else ():
        yield from _of_metric(subject, metric, quarterly, entries, _QUARTER, as_of)


def _unlisted(filings: Sequence[Filing], entries: Entries) -> Iterator[Filing]:
    """The reports that only values tell of: banks file so much that their older reports are in no list that is read.
    They count as known at the end of the day of filing."""
    listed = {each.accession for each in filings}
    newest: dict[str, Entry] = {}
    for concept in (concept for metric in _OF_EVERY_REPORT for concept in CONCEPTS[metric]):
        for values in entries.get(concept, {}).values():
            for each in values:
                known = newest.get(each.accession)
                if each.accession not in listed and (known is None or known.end < each.end):
                    newest[each.accession] = each
    for each in newest.values():
        filed = datetime.combine(date.fromisoformat(each.filed), time(23, 59, 59), CLOCK)
        yield Filing(each.accession, each.form, each.end, filed)


def _newest(known: Sequence[Filing], forms: frozenset[str], after: date) -> list[Filing]:
    """The report with the newest period after a day, and its amendments, the newest first. Not the newest filing: an
    amendment of an older year may be filed later."""
    of_forms = [each for each in known if each.form in forms and each.end > after]
    newest = max((each.end for each in of_forms), default=None)
    return [each for each in reversed(of_forms) if each.end == newest]


def _of_metric(
    subject: str,
    metric: str,
    filings: Sequence[Filing],
    entries: Entries,
    length: tuple[timedelta, timedelta],
    as_of: datetime,
) -> Iterator[Fact]:
    for filing in filings:
        spans = _spans(metric, filing, entries, length)
        if spans:
            break
    else:
        return
    main = next(iter(spans.values()))[1]
    count = 2 if length is _QUARTER or metric not in THREE_YEARS else 3
    is_old = length is _YEAR and as_of.date() - filing.end > _STALE
    for (start, end), (stated, entry) in [*spans.items()][:count]:
        measured = unit(metric, stated.unit)
        if measured is None:
            continue
        is_restated = _is_restated(entry, entries[stated.concept][stated.unit])
        yield Fact(
            subject=subject,
            metric=metric,
            period=end.isoformat() if start is None else _period(main, entry),
            value=entry.value,
            unit=measured[0],
            currency=measured[1],
            source=SOURCE,
            licence=LICENCE,
            locator=f"{filing.form} {filing.accession} {stated.concept}",
            known_at=filing.known_at,
            quality=Quality.RESTATED if is_restated else Quality.STALE if is_old else Quality.OK,
            definition=f"as reported in the {filing.form} for the period to {filing.end}",
        )


def _spans(
    metric: str, filing: Filing, entries: Entries, length: tuple[timedelta, timedelta]
) -> dict[Span, tuple[_Stated, Entry]]:
    """What a report states of a metric, by span, its own period first; empty if it states nothing of that."""
    choices = [
        stated
        for concept in CONCEPTS[metric]
        if (stated := _stated(metric, concept, filing, entries, length)) is not None
    ]
    if metric == "revenue":
        choices = _plausible(choices, filing, entries, length)
    if not choices:
        return {}
    stated = choices[0]
    ends = sorted(stated.by_span.items(), key=lambda each: each[0][1], reverse=True)
    wanted = [(span, entry) for span, entry in ends if _is_whole_years_before(filing.end, span[1])]
    return {span: (stated, entry) for span, entry in wanted}


def _stated(
    metric: str, concept: str, filing: Filing, entries: Entries, length: tuple[timedelta, timedelta]
) -> _Stated | None:
    """What the report states with a concept; None if that says nothing of its own period. A report may also state its
    newest year in another currency, for convenience: the unit with the most values is its own."""
    found: list[_Stated] = []
    for name, values in entries.get(concept, {}).items():
        own = {
            (each.start, each.end): each
            for each in values
            if each.accession == filing.accession and _has_length(metric, each, length)
        }
        if unit(metric, name) is not None and any(end == filing.end for _, end in own):
            found.append(_Stated(concept, name, own))
    return max(found, key=lambda each: len(each.by_span), default=None)


def _has_length(metric: str, entry: Entry, length: tuple[timedelta, timedelta]) -> bool:
    if entry.start is None or metric in OF_A_DAY:
        return entry.start is None and metric in OF_A_DAY
    return length[0] <= entry.end - entry.start + timedelta(days=1) <= length[1]


def _is_whole_years_before(end: date, other: date) -> bool:
    days = (end - other).days
    return days >= 0 and abs(days - 365.25 * round(days / 365.25)) <= 10


def _plausible(
    choices: Sequence[_Stated], filing: Filing, entries: Entries, length: tuple[timedelta, timedelta]
) -> list[_Stated]:
    """The concepts that can be the whole revenue, the largest first. Some reports use one of them for a part, which is
    less than a cost or profit that comes out of the whole. What cost and gross profit add up to is the whole."""

    def of(metric: str) -> Decimal | None:
        for concept in CONCEPTS[metric]:
            if (stated := _stated(metric, concept, filing, entries, length)) is not None:
                return _own(stated, filing)
        return None

    cost, gross, operating = of("cost_of_revenue"), of("gross_profit"), of("operating_income")
    least = max((each for each in (cost, gross, operating) if each is not None), default=None)
    fitting = [each for each in choices if least is None or _own(each, filing) >= least]
    whole = None if cost is None or gross is None else cost + gross
    confirmed = [
        each
        for each in fitting
        if whole is not None and abs(_own(each, filing) - whole) <= abs(whole) * _SAME
    ]
    return sorted(confirmed or fitting, key=lambda each: _own(each, filing), reverse=True)


def _own(stated: _Stated, filing: Filing) -> Decimal:
    """The value of the report's own period."""
    return next(entry.value for (_, end), entry in stated.by_span.items() if end == filing.end)


def _period(main: Entry, entry: Entry) -> str:
    """The fiscal year or quarter, counted back from the one that the report says it is for."""
    year = main.year if abs(main.year - main.end.year) <= 1 else main.end.year
    year -= round((main.end - entry.end).days / 365.25)
    return f"{main.part} {year}" if main.part.startswith("Q") else f"FY{year}"


def _is_restated(entry: Entry, values: Sequence[Entry]) -> bool:
    """Whether an earlier report states another value for the same time."""
    return any(
        (each.start, each.end) == (entry.start, entry.end)
        and each.filed < entry.filed
        and each.value != entry.value
        for each in values
    )
