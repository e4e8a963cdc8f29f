"""What may be executed, by DuckDB's own parser, and what the locked database would not do even without it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from evidence.sandbox import database, guard
from evidence.sandbox.refusals import NoResult
from tests.evidence.sandbox import statements

CANARY = "canary-in-a-file"
GENERATED = 1_000
_ALLOWED = """\
SELECT shop, sum(amount) AS total FROM sales GROUP BY shop ORDER BY total DESC LIMIT 3
select count(*), count(distinct shop), avg(amount), median(amount) from SALES where day >= date '2024-01-02'
WITH a AS (SELECT * FROM sales), b AS (SELECT * FROM a) SELECT count(*) FROM a JOIN b USING (id)
SELECT name, rank() OVER (PARTITION BY shop ORDER BY amount DESC) AS place FROM sales QUALIFY place = 1
SELECT strftime(date_trunc('month', day), '%Y-%m') AS month, sum(amount) FILTER (WHERE shop = 1) FROM sales GROUP BY 1
SELECT CASE WHEN shop IN (1, 2) THEN 'a' ELSE NULL END, -amount, amount / 3, CAST(amount AS double) FROM sales
SELECT * EXCLUDE (name) FROM sales WHERE name LIKE 'n%' AND amount BETWEEN 1 AND 2 OR NOT shop IS NULL
SELECT * FROM sales a WHERE amount > (SELECT avg(amount) FROM sales b WHERE b.shop = a.shop)
SELECT shop FROM sales UNION SELECT id FROM sales EXCEPT SELECT 1
SELECT day + INTERVAL 1 MONTH, extract(year FROM day), round(amount, 1)::VARCHAR || '%' FROM sales
FROM sales SELECT DISTINCT upper(trim(name)), coalesce(amount, 0);
SELECT a.id FROM sales a LEFT JOIN sales b ON a.id = b.id + 1 WHERE b.id IS NULL
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(n, word)
SELECT quantile_cont(amount, 0.9), stddev(amount), corr(id, amount), arg_max(name, amount) FROM sales
""".splitlines()


@dataclass(frozen=True)
class Place:
    """A database of one table, and beside it a file that no query may read."""

    connection: duckdb.DuckDBPyConnection
    folder: Path

    def filled(self, statement: str) -> str:
        return statement.replace("{secret}", str(self.folder / "secret.csv")).replace(
            "{folder}", str(self.folder)
        )

    @property
    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    tmp_path = tmp_path_factory.mktemp("guard")
    path = tmp_path / "data.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE sales AS SELECT i AS id, i % 3 AS shop, (i * 1.5)::DECIMAL(9, 2) AS amount,"
            " DATE '2024-01-01' + i::INT AS day, 'name ' || i AS name FROM range(20) AS t(i)"
        )
    (tmp_path / "secret.csv").write_text(f"{CANARY}\n{CANARY}\n")
    with database.opened([str(path)]) as connection:
        yield Place(connection, tmp_path)


@pytest.mark.parametrize("sql", _ALLOWED)
def test_ordinary_queries_have_a_result(place: Place, sql: str) -> None:
    assert place.connection.execute(database.allowed(place.connection, sql, ["sales"])).fetchall()


def test_every_other_statement_is_refused_by_a_rule(place: Place) -> None:
    allowed = []
    for statement in statements.REFUSED:
        with contextlib.suppress(NoResult):
            database.allowed(place.connection, place.filled(statement), ["sales"])
            allowed.append(statement)
    assert allowed == []


def test_locked_database_reads_and_writes_no_file_even_without_the_guard(place: Place) -> None:
    before = place.files
    shown = []
    for statement in statements.REFUSED:
        if "000000" in statement or "RECURSIVE" in statement:
            # About size, which processes bound.
            continue
        try:
            shown += place.connection.execute(place.filled(statement)).fetchall()
        except (duckdb.Error, RuntimeError):
            continue
    assert CANARY not in str(shown)
    assert place.files == before


def test_generated_queries_read_and_write_no_file(place: Place) -> None:
    everything = place.connection.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    known = sorted(name for (name,) in everything if name.isidentifier())
    # Half of the calls are of functions that are allowed, so that queries get past the guard.
    allowed = sorted(name for name in guard.FUNCTIONS if name.isidentifier())
    generated = statements.Generated(7, known + allowed * (len(known) // len(allowed)))
    before = place.files
    results: list[object] = []
    refused: set[str] = set()
    for _ in range(GENERATED):
        sql = place.filled(generated.statement())
        try:
            statement = database.allowed(place.connection, sql, ["sales"])
        except NoResult as refusal:
            refused.add(refusal.code)
            continue
        assert "secret" not in sql
        try:
            results.append(place.connection.execute(statement).fetchmany(100))
        except duckdb.Error:
            results.append(None)
    assert place.files == before
    assert CANARY not in str(results)
    assert {"function_not_allowed", "not_one_select", "table_function", "unknown_table"} <= refused
    assert len(results) > GENERATED / 20
    assert any(results)
