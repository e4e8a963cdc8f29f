"""Finds out more about a query that has been executed. Imported only in the process of a query."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import duckdb

from evidence.sandbox.dates import dates
from evidence.sandbox.findings import Findings, Part
from evidence.sandbox.joins import joins
from evidence.sandbox.syntax import Statement, Unclear
from evidence.sandbox.totals import totals

F = TypeVar("F")


def findings(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]] | None,
) -> Findings:
    """`sql` is the statement, `rows` its whole result, with the columns `names`; None if not all rows are known."""
    statement = Statement(connection, sql)
    unclear: list[Part] = []

    def known(part: Part, look: Callable[[], Iterator[F]]) -> tuple[F, ...]:
        try:
            return tuple(look())
        except (Unclear, duckdb.Error):
            unclear.append(part)
            return ()

    return Findings(
        joins=known("joins", lambda: joins(statement)),
        dates=known("dates", lambda: dates(statement)),
        totals=known("totals", lambda: totals(statement, names, rows)),
        unclear=tuple(unclear),
    )
