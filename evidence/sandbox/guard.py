"""Allows a query by its syntax tree, which is the one that DuckDB's own parser makes of it (`json_serialize_sql`), so
that nothing is read differently when it is executed.

Whatever is not listed here is refused, also what later versions of DuckDB add:

1. Tables are those that are given, and common table expressions where they are visible. Recursion is refused.
2. Functions are in FUNCTIONS: none of them reads files or settings, multiplies its input's length at will, or depends
   on the time or on chance.
3. Expressions, joins and clauses are in the lists below. Lambdas, parameters and samples are not.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from evidence.sandbox.refusals import NoResult

# One text, split when the module is loaded, reads better than a list of 180 texts.
_FUNCTIONS: Final = """
    + - * / // % ^ ** || @ ~~ !~~ ~~* !~~* ~~~ <> not is_null is_not_null row struct_pack list_value

    any_value approx_count_distinct arg_max arg_min argmax argmin avg bool_and bool_or corr count count_if
    count_star countif covar_pop covar_samp entropy favg first fsum group_concat grouping kurtosis last mad max
    max_by mean median min min_by mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy
    regr_count regr_intercept regr_r2 regr_slope skewness stddev stddev_pop stddev_samp string_agg sum sumkahan
    var_pop var_samp variance

    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number

    abs add cbrt ceil ceiling divide even exp floor greatest isfinite isinf isnan least ln log log10 log2 mod
    multiply pow power round round_even sign sqrt subtract trunc

    ascii chr concat concat_ws contains ends_with ilike_escape initcap instr jaro_winkler_similarity lcase left
    len length levenshtein like_escape lower ltrim not_ilike_escape not_like_escape position prefix
    regexp_extract regexp_full_match regexp_matches regexp_replace replace reverse right rtrim split_part
    starts_with strlen strpos substr substring suffix translate trim ucase upper

    age century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname
    dayofmonth dayofweek dayofyear decade epoch era hour isodow isoyear last_day make_date make_timestamp minute
    month monthname quarter second strftime strptime time_bucket to_days to_hours to_minutes to_months
    to_quarters to_seconds to_weeks to_years try_strptime week weekday weekofyear year yearweek

    coalesce constant_or_null if ifnull nullif
"""
FUNCTIONS: Final = frozenset(_FUNCTIONS.split())
TYPES: Final = frozenset(
    (
        *("BIGINT", "HUGEINT", "INT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER"),
        *("DECIMAL", "DOUBLE", "FLOAT", "NUMERIC", "REAL"),
        *("CHAR", "TEXT", "VARCHAR", "BOOLEAN", "DATE", "INTERVAL", "TIME", "TIMESTAMP"),
    )
)
# Without being written as calls, these are functions of the session.
SESSION: Final = frozenset(
    (
        *("current_catalog", "current_date", "current_role", "current_schema", "current_time"),
        *("current_timestamp", "current_user", "localtime", "localtimestamp", "session_user"),
    )
)
_EXPRESSIONS: Final = frozenset(
    (
        *("BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION"),
        *("OPERATOR", "STAR", "SUBQUERY", "WINDOW"),
    )
)
_CLAUSES: Final = frozenset(
    (
        *("SELECT_NODE", "SET_OPERATION_NODE"),
        *("BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "SUBQUERY"),
        *("DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER"),
        *("ORDER_DEFAULT", "ORDER_ASCENDING", "ASCENDING", "ORDER_DESCENDING", "DESCENDING"),
    )
)

Tables = frozenset[str]


def check(serialized: Mapping[str, Any], tables: Sequence[str]) -> None:
    """`serialized` is the answer of `json_serialize_sql` for a text of one statement. Raises NoResult."""
    if serialized["error"]:
        is_other = serialized.get("error_type") == "not implemented"
        raise NoResult("not_one_select") if is_other else NoResult("syntax", serialized["error_message"])
    if len(serialized["statements"]) != 1:
        raise NoResult("not_one_select")
    try:
        _walk(serialized["statements"][0], frozenset(map(str.lower, tables)))
    except RecursionError:
        raise NoResult("too_complex") from None


def _walk(value: Any, tables: Tables) -> None:
    if isinstance(value, list):
        for item in value:
            _walk(item, tables)
    elif isinstance(value, dict):
        _check(value)
        if value.get("type") == "BASE_TABLE":
            _check_table(value, tables)
        if "cte_map" in value:
            tables = _with_common_tables(value["cte_map"]["map"], tables)
        for key, item in value.items():
            if key not in {"cte_map", "literal", "type_expr"}:
                _walk(item, tables)


def _check(node: Mapping[str, Any]) -> None:
    """Check one node without what is below it."""
    kind, type_ = node.get("class"), node.get("type")
    if type_ == "RECURSIVE_CTE_NODE":
        raise NoResult("recursion")
    if type_ == "TABLE_FUNCTION":
        raise NoResult("table_function", node["function"]["function_name"])
    if kind is not None and kind not in _EXPRESSIONS:
        raise NoResult("not_allowed", _words(kind))
    if kind is None and type_ is not None and type_ not in _CLAUSES:
        raise NoResult("not_allowed", _words(type_))
    if node.get("sample") is not None:
        raise NoResult("not_allowed", "A sample")
    if kind == "COLUMN_REF" and len(node["column_names"]) == 1:
        _check_column(node["column_names"][0])
    if "function_name" in node:
        _check_function(node)
    if "type_expr" in node:
        _check_type(node["type_expr"])


def _check_column(name: str) -> None:
    if name.lower() in SESSION:
        raise NoResult("function_not_allowed", name)


def _check_function(node: Mapping[str, Any]) -> None:
    name = node["function_name"]
    if name.lower() not in FUNCTIONS or node["schema"] or node["catalog"]:
        raise NoResult("function_not_allowed", name)


def _check_type(node: Mapping[str, Any]) -> None:
    name = node.get("type_name")
    is_simple = node.get("class") == "TYPE" and not node["schema"] and not node["catalog"]
    if not is_simple or str(name).upper() not in TYPES:
        raise NoResult("type_not_allowed", str(name or "given"))
    for child in node["children"]:
        # The digits of a DECIMAL.
        if child.get("expression", child).get("class") != "CONSTANT":
            raise NoResult("type_not_allowed", str(name))


def _check_table(node: Mapping[str, Any], tables: Tables) -> None:
    path = node["qualified_name"]["path"]
    if len(path) != 1 or path[0].lower() not in tables or node["schema_name"] or node["catalog_name"]:
        raise NoResult("unknown_table", ".".join(path))
    if node["at_clause"] is not None:
        raise NoResult("not_allowed", "A table's earlier version")


def _with_common_tables(entries: Sequence[Mapping[str, Any]], tables: Tables) -> Tables:
    """The tables and the common table expressions, each of which sees only those before it."""
    for entry in entries:
        _walk(entry["value"], tables)
        tables |= {entry["key"].lower()}
    return tables


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
