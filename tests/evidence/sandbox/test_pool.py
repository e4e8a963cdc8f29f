"""Queries in processes of their own: their results, their limits, and a server that goes on meanwhile."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from evidence.sandbox import limits
from evidence.sandbox.pool import Pool
from evidence.sandbox.refusals import NoResult


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "a.duckdb", tmp_path / "b.duckdb"]
    with duckdb.connect(str(paths[0])) as connection:
        connection.execute(
            "CREATE TABLE sales AS SELECT i AS id, (i * 1.10)::DECIMAL(9, 2) AS amount,"
            " DATE '2024-01-01' + (i % 9)::INT AS day FROM range(20000) AS t(i)"
        )
    with duckdb.connect(str(paths[1])) as connection:
        connection.execute("CREATE TABLE shops AS SELECT 3 AS id, 'Łódź' AS name")
    return paths


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


def test_result_has_exact_values_of_tables_in_several_files(pool: Pool, files: list[Path]) -> None:
    sql = "SELECT name, id, amount, day, amount > 3 AS big, 1e3::DOUBLE AS much, NULL AS nothing FROM sales"
    found = pool.run(files, ["sales", "shops"], f"{sql} JOIN shops USING (id)")
    assert found.columns == ("name", "id", "amount", "day", "big", "much", "nothing")
    assert found.types[1:4] == ("BIGINT", "DECIMAL(9,2)", "DATE")
    assert found.rows == (("Łódź", 3, "3.30", "2024-01-04", True, "1000.0", None),)
    assert not found.truncated


def test_result_is_bounded_in_rows_and_bytes_and_says_so(pool: Pool, files: list[Path]) -> None:
    many = pool.run(files, ["sales"], "SELECT id FROM sales ORDER BY id")
    assert (len(many.rows), many.rows[-1], many.truncated) == (limits.MAX_ROWS, (9_999,), True)
    long = pool.run(files, ["sales"], "SELECT string_agg(id, ',') AS ids FROM sales")
    assert (len(long.rows[0][0]), long.truncated) == (limits.MAX_CELL, True)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM '/etc/passwd'", "unknown_table"),
        ("SELECT * FROM shops", "unknown_table"),
        ("SELECT nothing FROM sales", "query_failed"),
        ("SELECT string_agg(a.day::VARCHAR, '') FROM sales a, sales b", "query_stopped"),
    ],
)
def test_query_without_a_result_says_why(pool: Pool, files: list[Path], sql: str, code: str) -> None:
    with pytest.raises(NoResult) as refusal:
        pool.run(files, ["sales"], sql)
    assert refusal.value.code == code


async def test_endless_query_is_killed_and_blocks_nobody(pool: Pool, files: list[Path]) -> None:
    pool.run(files, ["sales"], "SELECT 1")
    endless = "SELECT count(*) FROM sales a, sales b, sales c, sales d WHERE a.id * b.id < c.id * d.id"
    began = time.monotonic()
    running = asyncio.get_running_loop().run_in_executor(None, pool.run, files, ["sales"], endless)
    turns = 0
    while not running.done():
        await asyncio.sleep(0.01)
        turns += 1
    with pytest.raises(NoResult) as refusal:
        await running
    assert refusal.value.code == "query_stopped"
    assert time.monotonic() - began >= limits.SECONDS - 1
    # The loop went on: the query did not hold it.
    assert turns > 20
