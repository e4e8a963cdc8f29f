"""Queries over the person's tables. What a query gives is checked by rules, and its figures are put on record with the
hashes of query and result."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from pydantic import Field

from conversations.agents.tools.query_chart import chart_of
from conversations.agents.tools.query_checks import found_in
from conversations.agents.tools.tool import Arguments, Outcome, Refused, Tool
from conversations.domain.events import ResultTable
from evidence.datasets.model import Table
from evidence.record import Item, Quality, Unit
from evidence.sandbox.limits import MAX_SQL
from evidence.sandbox.pool import Result
from evidence.sandbox.refusals import NoResult
from evidence.sandbox.values import is_number

NAME: Final = "query"
SOURCE: Final = "your data"
# Rows that the agent and people see, and figures that one query puts on record.
_SHOWN: Final = 40
_FIGURES: Final = 60


class Query(Arguments):
    sql: Annotated[
        str, Field(max_length=MAX_SQL, description="One SELECT statement in DuckDB's SQL over the tables.")
    ]


@dataclass(frozen=True)
class Data:
    """The tables of a conversation. `run` gives the result of a query over them with its findings, or raises
    NoResult."""

    tables: Sequence[Table]
    run: Callable[[str], Awaitable[Result]]


def tool(data: Data, question: str, earlier: Sequence[Item]) -> Tool[Query]:
    """The tool for these tables. Results are compared with the figures of `earlier`, those of another agent's
    queries."""

    async def query(given: Query, as_of: datetime) -> Outcome:
        try:
            result = await data.run(given.sql)
        except NoResult as failure:
            raise Refused(failure.code, str(failure)) from None
        items = list(_items(given.sql, result))
        checks = (*found_in(data.tables, question, given.sql, result), *_compared(items, earlier))
        total = None if result.truncated else len(result.rows)
        rows = tuple(tuple(map(_shown, row)) for row in result.rows[:_SHOWN])
        table = ResultTable(columns=result.columns, rows=rows, total=total, chart=chart_of(result))
        return Outcome(_text(result, checks), items, table, checks, _whole(result))

    description = "Query the person's tables. The figures of the result are put on record, row by row."
    return Tool(NAME, description, Query, query)


def schema(data: Data) -> str:
    """The tables, their columns and first rows, as JSON."""
    found = [
        {
            "table": table.name,
            "rows": table.rows,
            "columns": [
                {"name": column.name, "type": column.type.value, "in_file": column.label, "unit": column.unit}
                for column in table.columns
            ],
            "first_rows": table.samples,
        }
        for table in data.tables
    ]
    return json.dumps(found, ensure_ascii=False)


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _text(result: Result, checks: Sequence[str]) -> str:
    found = f"Checks: {' '.join(checks)}"
    return "\n".join([*_lines(result), found, "The figures are on record, row by row:"])


def _lines(result: Result) -> Iterator[str]:
    """The columns, the first rows, and how many are left out."""
    yield " | ".join(result.columns)
    for row in result.rows[:_SHOWN]:
        yield " | ".join(map(_shown, row))
    if result.truncated:
        yield "(There are more rows than a result may have.)"
    elif len(result.rows) > _SHOWN:
        yield f"({len(result.rows) - _SHOWN} more rows)"


def _whole(result: Result) -> str:
    """The whole result as JSON, if the table has only its beginning."""
    if len(result.rows) <= _SHOWN and not result.truncated:
        return ""
    names = ("columns", "types", "rows", "truncated")
    return json.dumps(
        {name: getattr(result, name) for name in names}, ensure_ascii=False, separators=(",", ":")
    )


def _items(sql: str, result: Result) -> Iterator[Item]:
    """The numbers of the result, each named after the texts of its row."""
    hashes = f"query {_hash(sql)}, result {_hash([result.columns, result.rows])}"
    found = 0
    for number, row in enumerate(result.rows, start=1):
        cells = list(zip(result.columns, result.types, row, strict=True))
        named = [_shown(value) for _, type_, value in cells if value is not None and not is_number(type_)]
        period = next((_shown(value) for _, type_, value in cells if type_ == "DATE"), "")
        for column, type_, value in cells:
            if found == _FIGURES:
                return
            if is_number(type_) and (figure := _number(value)) is not None:
                found += 1
                yield Item(
                    id=f"E{found}",
                    subject=(", ".join(named) or "all rows")[:100],
                    metric=column[:100] or "value",
                    period=period,
                    value=figure,
                    unit=Unit.COUNT,
                    source=SOURCE,
                    locator=f"{hashes}, row {number}",
                    quality=Quality.USER,
                )


def _number(value: Any) -> Decimal | None:
    try:
        figure = Decimal(str(value))
    except InvalidOperation:
        return None
    return figure if figure.is_finite() else None


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]


def _compared(items: Sequence[Item], before: Sequence[Item]) -> Iterator[str]:
    """Whether a second query gives figures of the first one."""
    query = items[0].locator.partition(",")[0] if items else ""
    others = {item.value for item in before if item.locator.partition(",")[0] != query}
    if before and not others:
        yield "This is the first query again. Write another one."
    elif before:
        same = sorted({item.value for item in items} & others)
        figures = ", ".join(f"{each:f}" for each in same[:10]) or "no figure"
        yield f"It agrees with the first query in {figures}."
