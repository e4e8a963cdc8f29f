"""What the joins of a statement do to the rows of their tables. Imported only in the process of a query."""

from collections.abc import Iterator
from typing import Final

from evidence.sandbox import syntax
from evidence.sandbox.findings import Join, Joined
from evidence.sandbox.syntax import Node, Statement, Unclear

# Functions whose result changes if a row is there twice.
_COUNTING: Final = frozenset(
    ("avg", "count", "count_if", "count_star", "countif", "favg", "fsum", "group_concat", "mean", "median", "product",
     "quantile", "quantile_cont", "quantile_disc", "stddev", "stddev_pop", "stddev_samp", "string_agg", "sum",
     "sumkahan", "var_pop", "var_samp", "variance")
)  # fmt: skip


def joins(statement: Statement) -> Iterator[Join]:
    """Of each SELECT with a join. Raises Unclear, and DuckDB's errors."""
    for select in statement.selects:
        if select["from_table"]["type"] == "JOIN":
            yield _join(statement, select)


def _join(statement: Statement, select: Node) -> Join:
    sources = statement.sources(select)
    rows = [f"{syntax.quoted(each.alias)}.rowid" for each in sources]
    counts = statement.asked(select, ", ".join(f"count(DISTINCT {row}), count({row})" for row in rows))
    counted: dict[str, list[str]] = {each.alias: [] for each in sources}
    counts_rows, unclear = False, []
    for node in _counting(select):
        named = syntax.columns(node["arguments"])
        call = f"{node['function_name']}({', '.join(names[-1] for names in named)})"
        counts_rows |= not named
        try:
            for alias in {statement.source_of(names, sources).alias for names in named}:
                counted[alias].append(call)
        except Unclear:
            unclear.append(call)
    tables = [
        Joined(
            table=each.table,
            total=statement.of_table(each.table, "count(*)")[0],
            before=before,
            after=after,
            counted=tuple(dict.fromkeys(counted[each.alias])),
        )
        for each, before, after in zip(sources, counts[::2], counts[1::2], strict=True)
    ]
    return Join(
        tables=tuple(tables),
        counts_rows=counts_rows,
        is_filtered=select["where_clause"] is not None,
        unclear=tuple(dict.fromkeys(unclear)),
    )


def _counting(select: Node) -> Iterator[Node]:
    for node in syntax.walk([select["select_list"], select["having"], select["qualify"]]):
        if node.get("function_name", "").lower() in _COUNTING and not node.get("distinct"):
            yield node
