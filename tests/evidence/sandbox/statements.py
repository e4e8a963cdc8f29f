"""Statements that must not have a result, and generated ones."""

from random import Random
from typing import Final

REFUSED: Final = """\
SELECT * FROM read_csv('{secret}')
SELECT * FROM read_csv_auto('{secret}')
SELECT * FROM sniff_csv('{secret}')
SELECT * FROM read_text('{secret}')
SELECT content FROM read_blob('{secret}')
SELECT * FROM read_json('{secret}')
SELECT * FROM read_json_auto('{secret}')
SELECT * FROM read_ndjson('{secret}')
SELECT * FROM read_json_objects('{secret}')
SELECT * FROM read_parquet('{secret}')
SELECT * FROM parquet_scan('{secret}')
SELECT * FROM parquet_metadata('{secret}')
SELECT * FROM glob('{folder}/*')
SELECT * FROM '{secret}'
SELECT * FROM "{secret}"
FROM '{secret}'
TABLE '{secret}'
SELECT (SELECT max(content) FROM read_text('{secret}'))
SELECT * FROM sales, LATERAL (SELECT * FROM read_text('{secret}'))
SELECT * FROM sales WHERE name IN (SELECT content FROM read_text('{secret}'))
SELECT * FROM sales JOIN '{secret}' ON true
WITH x AS (SELECT * FROM read_text('{secret}')) SELECT * FROM x
WITH sales AS (FROM '{secret}') SELECT * FROM sales
SELECT 1 UNION ALL SELECT content FROM read_text('{secret}')
SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')
SELECT * FROM query_table('{secret}')
SELECT getenv('HOME')
SELECT * FROM duckdb_settings()
SELECT * FROM duckdb_settings
SELECT * FROM duckdb_databases()
SELECT * FROM duckdb_secrets()
SELECT * FROM pragma_database_list
SELECT * FROM sqlite_master
SELECT * FROM information_schema.tables
SELECT * FROM pg_catalog.pg_class
SELECT * FROM pg_class
WITH sqlite_master AS (SELECT * FROM sqlite_master) SELECT * FROM sqlite_master
SELECT (WITH pg_class AS (SELECT 1) SELECT 1), (SELECT count(*) FROM pg_class)
SELECT current_setting('temp_directory')
SELECT getvariable('x')
SELECT current_user
SELECT current_database()
SELECT version()
SELECT txid_current()
SELECT now()
SELECT current_date
SELECT random()
SELECT uuid()
SELECT nextval('x')
SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')
SELECT * FROM 'https://127.0.0.1:9/x.parquet'
SELECT * FROM 's3://bucket/x.parquet'
COPY sales TO '{folder}/out.csv'
COPY (SELECT 1) TO '{folder}/out.parquet' (FORMAT parquet)
COPY sales FROM '{secret}'
EXPORT DATABASE '{folder}/out'
IMPORT DATABASE '{folder}'
ATTACH '{folder}/new.duckdb'
ATTACH ':memory:' AS m
ATTACH '{secret}' (TYPE sqlite)
DETACH sales
USE memory
INSTALL httpfs
LOAD httpfs
LOAD '{secret}'
FORCE INSTALL spatial
CREATE TABLE t AS SELECT 1
CREATE TEMP TABLE t AS SELECT 1
CREATE VIEW v AS SELECT 1
CREATE MACRO m(x) AS x
CREATE SECRET s (TYPE s3)
CREATE SEQUENCE s
CREATE FUNCTION f(x) AS x
INSERT INTO sales SELECT * FROM sales
UPDATE sales SET name = 'x'
DELETE FROM sales
TRUNCATE sales
DROP TABLE sales
ALTER TABLE sales ADD COLUMN x INT
SET memory_limit = '16GB'
SET VARIABLE x = 1
SET enable_external_access = true
RESET lock_configuration
PRAGMA database_list
PRAGMA enable_profiling
PRAGMA threads = 8
CALL pragma_version()
CHECKPOINT
FORCE CHECKPOINT
VACUUM
ANALYZE
BEGIN
COMMIT
EXPLAIN SELECT 1
EXPLAIN ANALYZE SELECT * FROM sales
DESCRIBE sales
SHOW TABLES
SUMMARIZE sales
PREPARE p AS SELECT 1
EXECUTE p
DEALLOCATE p
SELECT 1; SELECT 2
SELECT 1; COPY sales TO '{folder}/out.csv'
SELECT ?
SELECT $x
PIVOT sales ON shop USING sum(amount)
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r
SELECT repeat('x', 2000000000)
SELECT lpad('x', 2000000000, 'x')
SELECT range(1000000000)
SELECT * FROM range(1000000000000)
SELECT * FROM generate_series(1, 1000000000000)
SELECT unnest(range(1000000000))
SELECT list_transform([1, 2], lambda x: x + 1)
SELECT list_transform([1, 2], x -> x + 1)
SELECT list_reduce([1, 2], lambda x, y: x + y)
SELECT columns(lambda c: c LIKE 'n%') FROM sales
SELECT format('{{:1000000000}}', 1)
SELECT printf('%1000000000d', 1)
SELECT bar(1, 0, 1, 1000000000)
SELECT * FROM sales USING SAMPLE 10%
SELECT * FROM sales TABLESAMPLE reservoir(1)
SELECT CAST('x' AS TIMESTAMPTZ)
SELECT CAST('x' AS ENUM('x'))
SELECT main.upper('x')
SELECT * FROM main.sales
SELECT * FROM other.main.sales
SELECT * FROM sales AT (VERSION => 1)
SELECT
""".splitlines()
"""Each is refused, whatever follows `{secret}`, a file, and `{folder}`."""

_WORDS: Final = ("'x'", "1", "2.5", "NULL", "id", "shop", "amount", "day", "name", "DATE '2024-01-01'")
_HOSTILE_TABLES: Final = (
    "'{secret}'",
    "read_text('{secret}')",
    "read_csv('{secret}')",
    "glob('{folder}/*')",
    "sqlite_master",
    "duckdb_settings()",
    "range(3)",
)


class Generated:
    """Random queries over the table `sales`. Some are allowed, some read what they must not."""

    def __init__(self, seed: int, functions: list[str]) -> None:
        self._random = Random(seed)
        self._functions = functions

    def statement(self) -> str:
        sql = self._select(2)
        if self._random.random() < 0.1:
            prefix = (
                "COPY ({}) TO '{folder}/out'",
                "CREATE TABLE t AS {}",
                "EXPLAIN {}",
                "{}; DELETE FROM sales",
            )
            sql = self._random.choice(prefix).replace("{}", sql)
        return sql

    def _select(self, depth: int) -> str:
        columns = ", ".join(self._expression(2) for _ in range(self._random.randint(1, 3)))
        parts = [f"SELECT {columns} FROM {self._table(depth)}"]
        if self._random.random() < 0.4:
            parts.append(f"WHERE {self._expression(2)} IS NOT NULL")
        if self._random.random() < 0.3:
            parts.append("GROUP BY ALL")
        if self._random.random() < 0.3:
            parts.append("ORDER BY 1 LIMIT 5")
        sql = " ".join(parts)
        if depth and self._random.random() < 0.3:
            name = self._random.choice(("x", "sales", "sqlite_master", "read_text"))
            sql = f"WITH {name} AS ({self._select(depth - 1)}) {sql}"
        if depth and self._random.random() < 0.1:
            sql = f"{sql} UNION ALL {self._select(depth - 1)}" if "LIMIT" not in sql else sql
        return sql

    def _table(self, depth: int) -> str:
        chance = self._random.random()
        if depth and chance < 0.2:
            return f"({self._select(depth - 1)}) AS t{depth}"
        if depth and chance < 0.3:
            return f"sales AS a{depth} JOIN {self._table(depth - 1)} ON true"
        return self._random.choice(_HOSTILE_TABLES) if chance > 0.85 else "sales"

    def _expression(self, depth: int) -> str:
        chance = self._random.random()
        if not depth or chance < 0.3:
            return self._random.choice(_WORDS)
        if chance < 0.4:
            return f"(SELECT {self._expression(depth - 1)} FROM {self._table(0)} LIMIT 1)"
        if chance < 0.6:
            operator = self._random.choice(("+", "||", "=", "<", "LIKE", "AND"))
            return f"({self._expression(depth - 1)} {operator} {self._expression(depth - 1)})"
        arguments = ", ".join(self._expression(depth - 1) for _ in range(self._random.randint(0, 2)))
        return f'"{self._random.choice(self._functions)}"({arguments})'
