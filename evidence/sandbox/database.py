"""Opens files of tables so that a query can read them, and nothing else. Imported only in the process of a query."""

import json
from collections.abc import Sequence
from typing import Any, Final

import duckdb

from evidence.sandbox import guard
from evidence.sandbox.limits import DATABASE_MEMORY, MAX_SQL
from evidence.sandbox.refusals import NoResult

_CONFIG: Final[dict[str, Any]] = {
    "threads": 1,
    "memory_limit": DATABASE_MEMORY,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "python_enable_replacements": False,
}


def opened(paths: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """A connection that sees the tables of the files, and whose settings are locked. Paths come from the server."""
    connection = duckdb.connect(paths[0], read_only=True, config=_CONFIG)
    names = [connection.execute("SELECT current_database()").fetchall()[0][0]]
    for number, path in enumerate(paths[1:], start=1):
        name = f"more_{number}"
        escaped = path.replace("'", "''")
        connection.execute(f"ATTACH '{escaped}' AS {name} (READ_ONLY)")
        names.append(name)
    search_path = ",".join(f'"{name}".main' for name in names)
    connection.execute(f"SET search_path = '{search_path}'")
    # In this order: each step refuses to be undone by what follows.
    connection.execute("SET temp_directory = ''")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def allowed(connection: duckdb.DuckDBPyConnection, sql: str, tables: Sequence[str]) -> duckdb.Statement:
    """The statement, if it is one that may be executed. Raises NoResult."""
    if len(sql) > MAX_SQL:
        raise NoResult("too_long", f"{MAX_SQL:,}")
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as failure:
        raise NoResult("syntax", first_line(failure)) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise NoResult("not_one_select")
    serialized = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0][0]
    try:
        tree = json.loads(serialized)
    except RecursionError:
        raise NoResult("too_complex") from None
    guard.check(tree, tables)
    return statements[0]


def first_line(failure: Exception) -> str:
    """DuckDB's message without the statement, which follows it."""
    return str(failure).partition("\n")[0]
