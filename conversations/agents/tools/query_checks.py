"""What rules find in a query over the person's tables and in its result, in sentences with figures. Each begins with
what it is about."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from evidence.checker import periods
from evidence.checker.periods import Period
from evidence.datasets.model import Table
from evidence.sandbox.findings import Dates, Findings, Join, Joined, Total
from evidence.sandbox.pool import Result

_PARTS: Final = {"joins": "Join", "dates": "Dates", "totals": "Totals"}
# A sum of binary fractions depends on their order.
_INEXACT: Final = Decimal("1e-9")


def found_in(tables: Sequence[Table], question: str, sql: str, result: Result) -> Iterator[str]:
    """The sentences on one query. `question` is what the person has asked."""
    count = len(result.rows)
    yield f"Rows: {'more than ' if result.truncated else ''}{count:,}."
    for place, column in enumerate(result.columns):
        if empty := sum(row[place] is None for row in result.rows):
            yield f"Empty: {_rows(empty)} of the result without {column}."
    if count > len(set(result.rows)):
        yield "Repeated: some rows of the result are equal to others."
    words = set(re.findall(r"\w+", sql.lower()))
    for table in tables:
        if table.name in words:
            yield from _cautions(table, words)
    if result.findings is None:
        yield "Joins, dates and totals: not checked, because there was no time."
    else:
        yield from _examined(result.findings, question, result)


def _cautions(table: Table, words: set[str]) -> Iterator[str]:
    """What to know of the columns that a query names."""
    for column in table.columns:
        if column.name not in words:
            continue
        name = f"{table.name}.{column.name}"
        if column.missing:
            yield f"Empty: {name} has no value in {column.missing:,} of {_rows(table.rows)}."
        if column.unit:
            yield f"Unit: {name} is in {column.unit}."
        if column.note == "mark_assumed":
            yield f"Unit: the decimal mark of {name} is assumed."


def _examined(findings: Findings, question: str, result: Result) -> Iterator[str]:
    for join in findings.joins:
        yield f"Join: {_join(join)}"
    asked = _asked(question)
    for dates in findings.dates:
        if sentence := _dates(dates, asked):
            yield f"Dates: {sentence}"
    if asked and not findings.dates and "dates" not in findings.unclear:
        yield f"Dates: the question names {_span(asked)}, and the query reads no column of dates."
    for total in findings.totals:
        yield f"Totals: {_total(total, result)}"
    for part in findings.unclear:
        yield f"{_PARTS[part]}: not checked, because the statement is not understood."


def _join(join: Join) -> str:
    counts = ", ".join(
        f"{each.table} has {each.before:,} rows before it and {each.after:,} after" for each in join.tables
    )
    return " ".join([f"{counts}.", *_repeated(join), *_unmatched(join)])


def _repeated(join: Join) -> Iterator[str]:
    repeated = [each for each in join.tables if each.is_repeated]
    wrong = [(each.table, each.counted) for each in repeated if each.counted]
    if join.counts_rows and len(repeated) == len(join.tables):
        wrong.append(("every table", ("count(*)",)))
    for table, calls in wrong:
        yield f"{', '.join(calls)} counts rows of {table} more than once."
    if repeated and join.unclear:
        yield f"Whether {', '.join(join.unclear)} counts rows more than once is not checked."
    elif not wrong and (join.counts_rows or any(each.counted for each in join.tables)):
        yield "No row is counted more than once."


def _unmatched(join: Join) -> Iterator[str]:
    def sentence(each: Joined) -> str:
        return f"{each.total - each.before:,} of {_rows(each.total)} of {each.table} are left out."

    if not join.is_filtered:
        yield from (sentence(each) for each in join.tables if each.before < each.total)


def _asked(question: str) -> Period | None:
    """From the first to the last day that a question names."""
    found = [each.period for each in periods.said(question) if each.period is not None]
    if not found:
        return None
    return Period(min(each.first for each in found), max(each.last for each in found))


def _dates(dates: Dates, asked: Period | None) -> str:
    """Empty if there is nothing to say."""
    name = f"{dates.table}.{dates.column}"
    first, last = (dates.first_read, dates.last_read) if dates.is_read else (dates.first, dates.last)
    if asked is None and not dates.is_read:
        return ""
    if first is None or last is None:
        return f"the query reads no row with a date in {name}."
    read = f"the query reads rows with {name} from {first} to {last}"
    if not dates.is_read:
        read = f"the query does not name {name}, which is from {first} to {last}"
    if asked is None:
        return f"{read}."
    span = Period(date.fromisoformat(first), date.fromisoformat(last))
    return " ".join([f"the question names {_span(asked)}; {read}.", *_differences(dates, span, asked)])


def _differences(dates: Dates, read: Period, asked: Period) -> Iterator[str]:
    if read.last < asked.first or read.first > asked.last:
        yield "None of these days is in the time that the question names."
        return
    if dates.is_mixed and (read.first < asked.first or read.last > asked.last):
        yield "That is more than the question names."
    # A year seldom begins with a row of its first day.
    most = (asked.last - asked.first) / 10
    # What is read has dates, and so has its column.
    first, last = date.fromisoformat(dates.first or ""), date.fromisoformat(dates.last or "")
    if first - asked.first > most:
        yield f"The data begin later, on {first}."
    if read.first - max(first, asked.first) > most:
        yield f"No row before {read.first} is read, though the data begin on {first}."
    if min(last, asked.last) - read.last > most:
        yield f"No row after {read.last} is read, though the data end on {last}."
    if asked.last - last > most:
        yield f"The data end earlier, on {last}."


def _total(total: Total, result: Result) -> str:
    groups, rows = Decimal(total.groups), Decimal(total.rows)
    is_inexact = result.types[result.columns.index(total.column)] in {"DOUBLE", "FLOAT"}
    difference = groups - rows
    if abs(difference) <= (abs(rows) * _INEXACT if is_inexact else 0):
        return f"{total.column} adds up to {groups:,f}, and so do the rows of {total.table}."
    compared = f"{total.column} adds up to {groups:,f}, the rows of {total.table} to {rows:,f}"
    why = "; the query keeps only some groups" if total.is_cut else ""
    return f"{compared}: a difference of {difference:,f}{why}."


def _span(period: Period) -> str:
    return f"{period.first}" if period.first == period.last else f"{period.first} to {period.last}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
