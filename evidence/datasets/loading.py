"""Loads a file's tables into a DuckDB file of their own. Imported only in the process that does so.

1. The cells of each sheet are staged as texts, with the line of each row.
2. The columns' types are guessed from all texts, or are those that the person has chosen, or those of a Parquet file.
3. The table is made in the output; a text that is not of its column's type refuses the file.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from evidence.datasets import names, reading
from evidence.datasets.guessing import Hints, Note, guess_all
from evidence.datasets.model import SAMPLES, Column, Reading, Request, Table, Type
from evidence.datasets.reading import Row
from evidence.datasets.refusals import Refused
from evidence.datasets.texts import Texts
from evidence.sandbox.values import encoded

_STAGED: Final = "staging.main.texts"
_MEMORY: Final = "768MB"
_NUMBERS: Final = frozenset((Type.INTEGER, Type.DECIMAL, Type.FLOAT))
_PARQUET_TYPES: Final = {
    "BOOLEAN": Type.BOOLEAN,
    "DATE": Type.DATE,
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), Type.INTEGER),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER"), Type.INTEGER),
    **dict.fromkeys(("UBIGINT", "HUGEINT", "UHUGEINT", "DECIMAL"), Type.DECIMAL),
    **dict.fromkeys(("FLOAT", "DOUBLE"), Type.FLOAT),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"), Type.TIMESTAMP),
    **dict.fromkeys(("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), Type.TIMESTAMP),
}


@dataclass(frozen=True)
class _Staged:
    """A sheet in the staging table. `typed` are the types that the file has itself."""

    label: str
    labels: Sequence[str]
    columns: Sequence[str]
    hints: Hints
    typed: Mapping[str, Reading]


def load(request: Request, folder: Path) -> list[Table]:
    """The tables, which are then in the output. `folder` is empty and nobody else's. Raises Refused."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": _MEMORY,
        "temp_directory": str(folder),
    }
    with duckdb.connect(request.output, config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{folder}/staging.duckdb' AS staging")
        path = Path(request.input)
        is_parquet = reading.is_parquet(path)
        staged = _parquet(connection, request) if is_parquet else _texts(connection, request, folder)
        tables: list[Table] = []
        for sheet in staged:
            tables.append(_table(connection, request, _name(request, sheet, tables), sheet))
            connection.execute(f"DROP TABLE {_STAGED}")
        connection.execute("DETACH staging")
    _require_known(request, tables)
    return tables


def _name(request: Request, sheet: _Staged, before: Sequence[Table]) -> str:
    if request.readings:
        return [*request.readings][len(before)]
    [name] = names.distinct([sheet.label], "table", [*request.taken, *(table.name for table in before)])
    return name


def _require_known(request: Request, tables: Sequence[Table]) -> None:
    known = {table.name: {column.name for column in table.columns} for table in tables}
    for table, columns in request.readings.items():
        for column in columns.keys() - known.get(table, set()):
            raise Refused("unknown_column", column=column)


def _columns(labels: Iterable[str]) -> list[str]:
    return list(names.distinct(labels, "column", taken=["line"]))


def _texts(connection: duckdb.DuckDBPyConnection, request: Request, folder: Path) -> Iterator[_Staged]:
    sheets = reading.sheets(Path(request.input), request.name)
    if len(sheets) > request.most_tables:
        raise Refused("too_many_tables", found=len(sheets), most=request.most_tables)
    for sheet in sheets:
        columns = _columns(sheet.header)
        path = folder / "texts.csv"
        _write(path, sheet.rows(), len(columns))
        types = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
        connection.execute(
            f"CREATE TABLE {_STAGED} AS SELECT * FROM read_csv(?, auto_detect=false, header=false, delim=',',"  # noqa: S608
            f" quote='\"', escape='\"', max_line_size=?, columns={{'line': 'BIGINT', {types}}})",
            [str(path), 4 * reading.MAX_CELL],
        )
        path.unlink()
        hints = Hints(request.decimal or sheet.mark, request.dates)
        yield _Staged(sheet.label, sheet.header, columns, hints, {})


def _write(path: Path, rows: Iterator[Row], width: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for line, cells in rows:
            text = "".join(cells)
            if len(text) > reading.MAX_CELL:
                raise Refused("bad_row", line=line, detail="it is too long.")
            kept = [cell.replace("\0", "") for cell in cells] if "\0" in text else cells
            writer.writerow([line, *kept, *[""] * (width - len(cells))])


def _parquet(connection: duckdb.DuckDBPyConnection, request: Request) -> Iterator[_Staged]:
    try:
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [request.input]).fetchall()
        if len(described) > reading.MAX_COLUMNS:
            raise Refused("too_many_columns", most=reading.MAX_COLUMNS)
        labels = [row[0] for row in described]
        columns = _columns(labels)
        types = [str(row[1]).partition("(")[0] for row in described]
        texts = [_text_of(name, type_) for name, type_ in zip(columns, types, strict=True)]
        connection.execute(
            f"CREATE TABLE {_STAGED} AS SELECT row_number() OVER () AS line, {', '.join(texts)}"  # noqa: S608
            f" FROM read_parquet(?) AS t({', '.join(columns)})",
            [request.input],
        )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        raise Refused("unreadable") from None
    typed = {
        name: Reading(type=_PARQUET_TYPES.get(type_, Type.TEXT))
        for name, type_ in zip(columns, types, strict=True)
    }
    yield _Staged(Path(request.name).stem, labels, columns, Hints(), typed)


def _text_of(column: str, type_: str) -> str:
    # SQL has no infinite numbers that can be added up: they are missing.
    finite = f"CASE WHEN isfinite({column}) THEN {column} END" if type_ in {"FLOAT", "DOUBLE"} else column
    return f"CAST({finite} AS VARCHAR) AS {column}"


def _table(connection: duckdb.DuckDBPyConnection, request: Request, name: str, sheet: _Staged) -> Table:
    texts = [Texts(connection, _STAGED, column) for column in sheet.columns]
    guesses: list[tuple[Reading, Note | None]] = (
        [(reading, None) for reading in sheet.typed.values()]
        if sheet.typed
        else guess_all(texts, sheet.hints)
    )
    chosen = request.readings.get(name, {})
    columns, values = [], []
    for column, label, text, (guessed, note) in zip(sheet.columns, sheet.labels, texts, guesses, strict=True):
        read = chosen.get(column, guessed)
        if (bad := text.first_bad(read)) is not None:
            line, value = bad
            raise Refused("bad_value", line=line, column=label, value=value[:100], type=read.type)
        columns.append(_column(text, column, label, read, note if read == guessed else None))
        values.append(f"{text.value(read)} AS {column}")
    connection.execute(f"CREATE TABLE {name} AS SELECT {', '.join(values)} FROM {_STAGED}")  # noqa: S608
    [(rows,)] = connection.execute(f"SELECT count(*) FROM {name}").fetchall()  # noqa: S608
    samples = connection.execute(f"SELECT * FROM {name} LIMIT {SAMPLES}").fetchall()  # noqa: S608
    shown = tuple(tuple(encoded(value)[0] for value in row) for row in samples)
    return Table(name=name, label=sheet.label, rows=rows, columns=tuple(columns), samples=shown)


def _column(texts: Texts, name: str, label: str, read: Reading, note: Note | None) -> Column:
    signs = texts.signs() if read.type in _NUMBERS else []
    unit = signs[0] if len(signs) == 1 and signs[0] else None
    return Column.model_validate(
        {
            "name": name,
            "label": label,
            **dict(read),
            "unit": unit,
            "missing": texts.missing(read),
            "note": note,
        }
    )
