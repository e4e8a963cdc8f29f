"""Whether the sums of a statement's groups are those of all rows. Imported only in the process of a query."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from evidence.sandbox import syntax
from evidence.sandbox.findings import Total
from evidence.sandbox.syntax import Node, Source, Statement, Unclear

_SUMS: Final = frozenset(("count", "count_star", "fsum", "sum", "sumkahan"))


def totals(
    statement: Statement, names: Sequence[str], rows: Sequence[Sequence[Any]] | None
) -> Iterator[Total]:
    """Of each column of the result that is a sum or a count of groups, or of a join. `rows` are the whole result, with
    the columns `names`; None if not all of them are known. Raises Unclear, and DuckDB's errors."""
    select = statement.top
    if select["type"] != "SELECT_NODE" or not any(map(_is_sum, syntax.walk(select["select_list"]))):
        # Sums of a part are not those of the result.
        if any(_is_sum(node) for each in statement.selects for node in syntax.walk(each["select_list"])):
            raise Unclear
        return
    if not select["group_expressions"] and select["from_table"]["type"] != "JOIN":
        return
    sources = statement.sources(select)
    if rows is None or len(select["group_sets"]) > 1 or len(names) != len(select["select_list"]):
        raise Unclear
    for place, node in enumerate(select["select_list"]):
        if not _is_sum(node):
            continue
        source = _only_source(statement, select, node, sources)
        expected = statement.over(source, select, node)
        if expected is None:
            continue
        groups = sum((Decimal(str(row[place])) for row in rows if row[place] is not None), Decimal(0))
        yield Total(
            column=names[place],
            table=source.table,
            groups=f"{groups:f}",
            rows=f"{Decimal(str(expected)):f}",
            is_cut=_is_cut(select),
        )


def _is_sum(node: Node) -> bool:
    is_plain = node.get("class") == "FUNCTION" and not node["distinct"] and not node["filter"]
    return is_plain and node["function_name"].lower() in _SUMS


def _only_source(statement: Statement, select: Node, node: Node, sources: Sequence[Source]) -> Source:
    """The source whose rows the function adds up, and whose columns alone the conditions name."""
    added = syntax.columns(node["arguments"])
    if not added and len(sources) > 1:
        raise Unclear
    found = {
        statement.source_of(names, sources).alias
        for names in [*added, *syntax.columns(select["where_clause"])]
    }
    if len(found) > 1:
        raise Unclear
    return next(each for each in sources if each.alias in (found or {sources[0].alias}))


def _is_cut(select: Node) -> bool:
    cuts = {"LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"}
    return bool(
        select["having"] or select["qualify"] or cuts & {each["type"] for each in select["modifiers"]}
    )
