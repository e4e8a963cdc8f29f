"""A statement's syntax tree, as DuckDB's own parser makes it, and further queries of the rows that it reads. Imported
only in the process of a query."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

Node = dict[str, Any]


class Unclear(Exception):
    """A part of the statement is not understood."""


@dataclass(frozen=True)
class Source:
    """A table that a SELECT reads, and what its columns are qualified with, both in lower case."""

    alias: str
    table: str
    node: Node


class Statement:
    """`top` is its outermost node, and `selects` are all its SELECTs, the outermost first."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        self._connection = connection
        self.top = self._parsed(sql)
        self.selects = list(_selects(self.top))
        self._common = {entry["key"].lower() for each in self.selects for entry in each["cte_map"]["map"]}
        self._types: dict[str, dict[str, str]] = {}
        sql = "SELECT table_name, column_name, data_type FROM duckdb_columns()"
        for table, column, type_ in connection.execute(sql).fetchall():
            self._types.setdefault(table.lower(), {})[column.lower()] = type_

    def sources(self, select: Node) -> list[Source]:
        """The tables that it reads. Raises Unclear if it reads anything else, or two by the same name."""
        found = [self._source(node) for node in _leaves(select["from_table"])]
        if len({each.alias for each in found}) < len(found):
            raise Unclear
        return found

    def columns(self, source: Source) -> dict[str, str]:
        """DuckDB's types of its columns, by name in lower case."""
        return self._types.get(source.table, {})

    def source_of(self, names: Sequence[str], sources: Sequence[Source]) -> Source:
        """The source of a column, given by its name after its qualifier. Raises Unclear if that is not certain."""
        *qualifier, column = (name.lower() for name in names)
        named = [each for each in sources if not qualifier or qualifier == [each.alias]]
        found = [each for each in named if column in self.columns(each)]
        if len(found) != 1:
            raise Unclear
        return found[0]

    def asked(self, select: Node, expressions: str) -> tuple[Any, ...]:
        """The row of these expressions over all rows that the SELECT reads."""
        return self.row({**self._parsed(f"SELECT {expressions}"), **_read(select)})

    def row(self, select: Node) -> tuple[Any, ...]:
        """The first row of a SELECT."""
        tree = {"error": False, "statements": [{"node": select, "named_param_map": []}]}
        [(sql,)] = self._connection.execute(
            "SELECT json_deserialize_sql(?::JSON)", [json.dumps(tree)]
        ).fetchall()
        [found] = self._connection.execute(sql).fetchall()
        return tuple(found)

    def of_table(self, table: str, expressions: str) -> tuple[Any, ...]:
        """The row of these expressions over all rows of a table."""
        asked = f"SELECT {expressions} FROM {quoted(table)}"  # noqa: S608
        [found] = self._connection.execute(asked).fetchall()
        return tuple(found)

    def over(self, source: Source, select: Node, expression: Node) -> Any:
        """The value of an expression over the rows of the source that fulfil the SELECT's conditions."""
        node = {**self._parsed("SELECT 1"), "select_list": [{**expression, "alias": ""}]}
        return self.row({**node, **_read(select), "from_table": source.node})[0]

    def _parsed(self, sql: str) -> Node:
        [(serialized,)] = self._connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
        node: Node = json.loads(serialized)["statements"][0]["node"]
        return node

    def _source(self, node: Node) -> Source:
        if node["type"] != "BASE_TABLE" or node["column_name_alias"]:
            raise Unclear
        table = node["qualified_name"]["path"][-1].lower()
        if table in self._common:
            raise Unclear
        return Source((node["alias"] or table).lower(), table, node)


def walk(value: Any) -> Iterator[Node]:
    """All nodes of a part of a statement, without those of SELECTs within it."""
    if isinstance(value, list):
        for item in value:
            yield from walk(item)
    elif isinstance(value, dict) and not _is_select(value):
        yield value
        for item in value.values():
            yield from walk(item)


def columns(value: Any) -> list[list[str]]:
    """The names of the columns in a part of a statement, each after its qualifier."""
    return [node["column_names"] for node in walk(value) if node.get("class") == "COLUMN_REF"]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _selects(value: Any) -> Iterator[Node]:
    if isinstance(value, list):
        for item in value:
            yield from _selects(item)
    elif isinstance(value, dict):
        if _is_select(value):
            yield value
        for item in value.values():
            yield from _selects(item)


def _is_select(node: Node) -> bool:
    return node.get("type") == "SELECT_NODE"


def _leaves(node: Node) -> Iterator[Node]:
    if node["type"] == "JOIN":
        yield from _leaves(node["left"])
        yield from _leaves(node["right"])
    elif node["type"] != "EMPTY":
        yield node


def _read(select: Node) -> Node:
    """What says which rows it reads."""
    return {key: select[key] for key in ("from_table", "where_clause", "cte_map")}
