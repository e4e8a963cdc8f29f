"""The process that executes one query, and then ends.

1. It imports DuckDB and prints a line: it is ready.
2. It reads one JSON object: `{"paths", "tables", "sql", "examined"}`, and bounds itself.
3. It prints a line with one JSON object: `{"columns", "types", "rows", "truncated"}`, or `{"code", "detail"}`.
4. If the query is to be examined, it prints a second line: see `findings`. What stops it meanwhile spares the result.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import duckdb

from evidence.sandbox import database, examining
from evidence.sandbox.limits import MAX_BYTES, MAX_ROWS, bound
from evidence.sandbox.refusals import STOPPED, NoResult
from evidence.sandbox.values import encoded


def answer(connection: duckdb.DuckDBPyConnection, tables: list[str], sql: str) -> dict[str, Any]:
    """The result of the query. Raises NoResult."""
    statement = database.allowed(connection, sql, tables)
    try:
        connection.execute(statement)
        columns = connection.description or []
        head = {
            "columns": [str(column[0]) for column in columns],
            "types": [str(column[1]) for column in columns],
        }
        rows, is_cut = _bounded(_rows(connection), len(json.dumps(head)))
    except (duckdb.OutOfMemoryException, MemoryError):
        raise NoResult(STOPPED, "it needs too much memory.") from None
    except duckdb.Error as failure:
        raise NoResult("query_failed", database.first_line(failure)) from None
    return {**head, "rows": rows, "truncated": is_cut}


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while batch := connection.fetchmany(100):
        yield from batch


def _bounded(rows: Iterator[tuple[Any, ...]], size: int) -> tuple[list[list[Any]], bool]:
    """As many rows as a result may have beside `size` bytes, and whether something is left out."""
    kept: list[list[Any]] = []
    # Room for the names around the rows, and the comma after each.
    size += 50
    is_cut = False
    for row in rows:
        values = [encoded(value) for value in row]
        size += len(json.dumps([value for value, _ in values])) + 1
        if len(kept) == MAX_ROWS or size > MAX_BYTES:
            return kept, True
        kept.append([value for value, _ in values])
        is_cut |= any(cut for _, cut in values)
    return kept, is_cut


def main() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    line = sys.stdin.buffer.readline()
    if not line:
        # The server has ended, or needs no process any more.
        return
    query = json.loads(line)
    bound()
    connection = database.opened(query["paths"])
    try:
        found = answer(connection, query["tables"], query["sql"])
    except NoResult as refusal:
        found = {"code": refusal.code, "detail": refusal.detail}
    except MemoryError:
        found = {"code": STOPPED, "detail": "it needs too much memory."}
    _print(json.dumps(found))
    if query["examined"] and "rows" in found:
        rows = None if found["truncated"] else found["rows"]
        _print(examining.findings(connection, query["sql"], found["columns"], rows).model_dump_json())


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
