"""The dates of the rows that a statement reads. Imported only in the process of a query."""

from collections.abc import Iterator, Sequence
from typing import Final

import duckdb

from evidence.sandbox import syntax
from evidence.sandbox.findings import Dates
from evidence.sandbox.syntax import Node, Source, Statement, Unclear

# Columns that are looked at.
_MOST: Final = 8


def dates(statement: Statement) -> Iterator[Dates]:
    """Of each column of dates of the tables that are read. Raises Unclear, and DuckDB's errors."""
    found: dict[tuple[str, str], Dates] = {}
    is_clear = False
    for select in statement.selects:
        try:
            sources = statement.sources(select)
            for each in _of_select(statement, select, sources):
                known = found.get((each.table, each.column))
                if known is None or (each.is_read and not known.is_read):
                    found[each.table, each.column] = each
            is_clear = True
        except (Unclear, duckdb.BinderException):
            # It reads what another SELECT gives, or depends on the row of another one.
            continue
    if not is_clear:
        raise Unclear
    yield from list(found.values())[:_MOST]


def _of_select(statement: Statement, select: Node, sources: Sequence[Source]) -> Iterator[Dates]:
    shown = [select["select_list"], select["group_expressions"], select["having"], select["qualify"]]
    has_all = any(node.get("class") == "STAR" for node in select["select_list"])
    for source in sources:
        for column, type_ in statement.columns(source).items():
            if type_.startswith(("DATE", "TIMESTAMP")):
                is_shown = has_all or _is_named(column, source, shown, statement, sources)
                tested = [select["where_clause"], select["from_table"]]
                is_read = is_shown or _is_named(column, source, tested, statement, sources)
                first, last = statement.of_table(source.table, _ends(syntax.quoted(column)))
                name = f"{syntax.quoted(source.alias)}.{syntax.quoted(column)}"
                first_read, last_read = statement.asked(select, _ends(name)) if is_read else (None, None)
                yield Dates(
                    table=source.table,
                    column=column,
                    first=first,
                    last=last,
                    first_read=first_read,
                    last_read=last_read,
                    is_read=is_read,
                    # What is read by another SELECT, it may narrow.
                    is_mixed=not is_shown and select is statement.top,
                )


def _is_named(
    column: str, source: Source, part: object, statement: Statement, sources: Sequence[Source]
) -> bool:
    """Whether a part of the SELECT names a column of a source."""
    named = [names for names in syntax.columns(part) if names[-1].lower() == column]
    return any(statement.source_of(names, sources) == source for names in named)


def _ends(column: str) -> str:
    return f"strftime(min({column}), '%Y-%m-%d'), strftime(max({column}), '%Y-%m-%d')"
