"""What rules say of a query: of its joins, its dates and its totals, by the syntax tree that DuckDB makes of it."""

from collections.abc import Iterator

import duckdb
import pytest

from conversations.agents.tools.query_checks import found_in
from evidence.sandbox import database, examining
from evidence.sandbox.__main__ import answer
from evidence.sandbox.pool import Result

TABLES = ("sales", "shops", "stock")


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("checks") / "data.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute(
            "CREATE TABLE sales AS SELECT * FROM (VALUES (1, 'N', 10.50, DATE '2023-05-01'), (2, 'N', 1, '2024-01-02'),"
            " (3, 'S', 2, '2024-06-01'), (4, 'X', 4, '2024-06-03')) AS t(id, shop, amount, day)"
        )
        made.execute("CREATE TABLE shops AS SELECT * FROM (VALUES ('N', 100), ('S', 50)) AS t(shop, target)")
        made.execute("CREATE TABLE stock AS SELECT * FROM (VALUES ('N', 1e0), ('N', 2e0)) AS t(shop, weight)")
    with database.opened([str(path)]) as opened:
        yield opened


def said(about: str, connection: duckdb.DuckDBPyConnection, sql: str, question: str = "") -> list[str]:
    """The sentences on a query that are about this."""
    found = answer(connection, [*TABLES], sql)
    findings = examining.findings(connection, sql, found["columns"], found["rows"])
    rows = tuple(map(tuple, found["rows"]))
    result = Result(tuple(found["columns"]), tuple(found["types"]), rows, False, findings)
    return [
        each.removeprefix(f"{about}: ")
        for each in found_in([], question, sql, result)
        if each.startswith(about)
    ]


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        (
            "SELECT sum(s.amount) FROM sales s JOIN stock USING (shop)",
            "sales has 2 rows before it and 4 after, stock has 2 rows before it and 4 after."
            " sum(amount) counts rows of sales more than once. 2 of 4 rows of sales are left out.",
        ),
        (
            "SELECT sum(amount) FROM sales, shops WHERE sales.shop = shops.shop",
            "sales has 3 rows before it and 3 after, shops has 2 rows before it and 3 after."
            " No row is counted more than once.",
        ),
        (
            "SELECT count(DISTINCT amount), count(*) FROM sales JOIN stock USING (shop)",
            "sales has 2 rows before it and 4 after, stock has 2 rows before it and 4 after."
            " count(*) counts rows of every table more than once. 2 of 4 rows of sales are left out.",
        ),
        (
            "WITH a AS (SELECT shop FROM sales) SELECT sum(target) FROM a JOIN shops USING (shop)",
            "not checked, because the statement is not understood.",
        ),
    ],
)
def test_join_that_counts_rows_twice_is_named(
    connection: duckdb.DuckDBPyConnection, sql: str, sentence: str
) -> None:
    assert said("Join", connection, sql) == [sentence]


@pytest.mark.parametrize(
    ("question", "sql", "sentences"),
    [
        (
            "What was sold in 2024?",
            "SELECT sum(amount) FROM sales WHERE day >= '2023-01-01'",
            [
                "the question names 2024-01-01 to 2024-12-31; the query reads rows with sales.day from 2023-05-01 to"
                " 2024-06-03. That is more than the question names. The data end earlier, on 2024-06-03."
            ],
        ),
        (
            "And in Q1 2022?",
            "SELECT sum(amount) FROM sales",
            [
                "the question names 2022-01-01 to 2022-03-31; the query does not name sales.day, which is from"
                " 2023-05-01 to 2024-06-03. None of these days is in the time that the question names."
            ],
        ),
        (
            "What was sold in 2023 and 2024?",
            "SELECT sum(amount) FROM sales WHERE day BETWEEN '2023-12-01' AND '2024-01-31'",
            [
                "the question names 2023-01-01 to 2024-12-31; the query reads rows with sales.day from 2024-01-02 to"
                " 2024-01-02. The data begin later, on 2023-05-01. No row before 2024-01-02 is read, though the data"
                " begin on 2023-05-01. No row after 2024-01-02 is read, though the data end on 2024-06-03. The data end"
                " earlier, on 2024-06-03."
            ],
        ),
        # Its rows tell the years apart.
        (
            "What was sold from 2023-04-01 to June 2024?",
            "SELECT year(day), sum(amount) FROM sales WHERE shop <> 'X' GROUP BY ALL",
            [
                "the question names 2023-04-01 to 2024-06-30; the query reads rows with sales.day from 2023-05-01 to"
                " 2024-06-01."
            ],
        ),
        ("Which shop?", "SELECT sum(amount) FROM sales", []),
    ],
)
def test_dates_of_the_question_are_compared_with_those_read(
    connection: duckdb.DuckDBPyConnection, question: str, sql: str, sentences: list[str]
) -> None:
    assert said("Dates", connection, sql, question) == sentences


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        (
            "SELECT shop, sum(amount) AS total FROM sales WHERE shop IN (SELECT shop FROM shops) GROUP BY shop",
            "total adds up to 13.50, and so do the rows of sales.",
        ),
        (
            "SELECT shop, count(*) AS n FROM sales GROUP BY shop ORDER BY n DESC LIMIT 1",
            "n adds up to 2, the rows of sales to 4: a difference of -2; the query keeps only some groups.",
        ),
        (
            "SELECT shop, sum(amount) AS total FROM sales JOIN stock USING (shop) GROUP BY shop",
            "total adds up to 23.00, the rows of sales to 17.50: a difference of 5.50.",
        ),
        (
            "SELECT shop, sum(weight) / 3 AS third, sum(weight) AS w FROM stock GROUP BY shop",
            "w adds up to 3.0, and so do the rows of stock.",
        ),
        (
            "SELECT shop, sum(amount) FROM sales GROUP BY ROLLUP (shop)",
            "not checked, because the statement is not understood.",
        ),
    ],
)
def test_sums_of_groups_are_compared_with_those_of_all_rows(
    connection: duckdb.DuckDBPyConnection, sql: str, sentence: str
) -> None:
    assert said("Totals", connection, sql) == [sentence]
