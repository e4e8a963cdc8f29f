"""Files that people have: their tables, types and values, and what is said about those that are refused."""

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from evidence.datasets.loading import load
from evidence.datasets.model import Column, Request, Table
from evidence.datasets.refusals import Refused
from tests.support import files

Load = Callable[..., list[Table]]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Loads a file of these bytes, in this process."""

    def loaded(data: str | bytes, name: str = "sales.csv", **values: Any) -> list[Table]:
        path = tmp_path / "input"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        folder = tmp_path / f"folder-{len([*tmp_path.iterdir()])}"
        folder.mkdir()
        output = str(folder / "tables.duckdb")
        request = {"input": str(path), "name": name, "output": output, "most_tables": 3, **values}
        return load(Request.model_validate(request), folder)

    return loaded


def read(columns: Sequence[Column]) -> list[tuple[str, str]]:
    return [(column.name, column.type.value) for column in columns]


def test_table_has_names_for_sql_types_of_all_rows_and_exact_values(loaded: Load) -> None:
    [table] = loaded(
        "id,Net revenue (USD),day,Post code,share,name,order,paid\n"
        '1,"$1,234.50",2024-01-05,01234,5%,Łódź,1.5,true\n'
        '\n2,($3.25),2024-02-29,20095,7.5%,"a,\nb",2,FALSE\n'
        "3,-,2024-02-01,99999,n/a,-,1e3,\n",
        "Sales 2024.csv",
    )
    assert (table.name, table.label, table.rows) == ("sales_2024", "Sales 2024", 3)
    assert read(table.columns) == [
        ("id", "integer"),
        ("net_revenue_usd", "decimal"),
        ("day", "date"),
        ("post_code", "text"),
        ("share", "decimal"),
        ("name", "text"),
        ("order_", "float"),
        ("paid", "boolean"),
    ]
    assert [column.unit for column in table.columns[1:5]] == ["$", None, None, "%"]
    assert [column.missing for column in table.columns] == [0, 1, 0, 0, 1, 0, 0, 1]
    assert table.samples == (
        (1, "1234.50", "2024-01-05", "01234", "5.0", "Łódź", "1.5", True),
        (2, "-3.25", "2024-02-29", "20095", "7.5", "a,\nb", "2.0", False),
        (3, None, "2024-02-01", "99999", None, "-", "1000.0", None),
    )


def test_marks_and_orders_of_the_file_decide_for_columns_that_do_not_tell(loaded: Load) -> None:
    [table] = loaded(
        "Datum;Betrag;Menge\n05.01.2024;1.234,5;1.234\n06.02.2024;-3,25;2.000\n".encode("cp1252")
    )
    assert table.samples == (("2024-01-05", "1234.50", 1234), ("2024-02-06", "-3.25", 2000))
    [table] = loaded("day,due\n31/01/2024,01/02/2024\n01/01/2024,02/03/2024\n")
    assert [column.dates for column in table.columns] == ["dmy", "dmy"]


def test_what_a_file_does_not_tell_is_said_and_can_be_chosen(loaded: Load) -> None:
    data = 'day,n\n03/04/2024,"1,234"\n05/06/2024,"2,000"\n'
    [guessed] = loaded(data)
    assert [(column.type, column.note) for column in guessed.columns] == [
        ("text", "order_unknown"),
        ("integer", "mark_assumed"),
    ]
    [told] = loaded(data, dates="mdy", decimal=",")
    assert told.samples[0] == ("2024-03-04", "1.234")
    readings = {"kept": {"day": {"type": "date", "dates": "dmy"}, "n": {"type": "text"}}}
    [chosen] = loaded(data, readings=readings)
    assert (chosen.name, chosen.samples[0]) == ("kept", ("2024-04-03", "1,234"))


def test_json_lines_and_parquet_keep_their_values(loaded: Load, tmp_path: Path) -> None:
    [table] = loaded('{"a": 1.10, "at": "2024-01-02T03:04:05+02:00"}\n{"a": 2, "b": "x"}\n', "x.jsonl")
    assert table.samples == (("1.10", "2024-01-02T01:04:05", None), ("2.00", None, "x"))
    path = tmp_path / "made.parquet"
    duckdb.execute(
        f"COPY (SELECT '007' AS code, 2.50::DECIMAL(9, 2) AS price, DATE '2024-01-02' AS day, 1e300 AS big,"
        f" 'inf'::DOUBLE AS endless, [1, 2] AS list) TO '{path}'"
    )
    [table] = loaded(path.read_bytes(), "made.parquet")
    assert table.samples == (("007", "2.50", "2024-01-02", "1e+300", None, "[1, 2]"),)


def test_each_sheet_of_a_spreadsheet_is_a_table(loaded: Load) -> None:
    book = files.xlsx(
        {"Q1": [["day", "amount"], [45297, 1.1], [45298, 1234567]], "Empty": [], "q1": [["x"], ["y"]]}
    )
    first, second = loaded(book, "book.xlsx")
    assert (first.name, first.samples) == ("q1", ((45297, "1.1"), (45298, "1234567.0")))
    assert (second.name, second.label, second.samples) == ("q1_2", "q1", (("y",),))


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "x")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    # The directory says how large each part is, which Python and others believe.
    return out.getvalue().replace((60_000_000).to_bytes(4, "little"), (0xF0000000).to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("data", "name", "code", "words"),
    [
        (
            "a,b\n1,2\n3\n",
            "x.csv",
            "bad_cells",
            "Line 3 should have 2 columns, as the first line has, not 1.",
        ),
        ('a,b\n1,"2\n', "x.csv", "bad_row", "Line 2: unexpected end of data."),
        ('{"a": 1}\n{"a": }\n', "x.jsonl", "bad_json", "Line 2, column 7"),
        ('{"a": 1}\n[1]\n', "x.jsonl", "not_object", "Line 2, column 1"),
        ("\n \n", "x.csv", "empty", "no rows"),
        (b"\x00\x01", "x.csv", "unknown_type", "not supported"),
        (b"%PDF-1.7", "x.csv", "unknown_type", "not supported"),
        (b"PAR1" + b"x" * 100, "x.parquet", "unreadable", "damaged"),
        (b"PK\x03\x04" + b"x" * 100, "x.xlsx", "unreadable", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "x.xlsx", "encrypted", "password"),
        (bomb(), "x.xlsx", "too_complex", "too much"),
        (",".join(["a"] * 501), "x.csv", "too_many_columns", "500"),
    ],
)
def test_bad_file_is_refused_with_its_place(
    loaded: Load, data: str | bytes, name: str, code: str, words: str
) -> None:
    with pytest.raises(Refused) as refused:
        loaded(data, name)
    assert refused.value.code == code
    assert words in str(refused.value)


def test_value_that_is_not_of_the_chosen_type_is_named(loaded: Load) -> None:
    readings = {"t": {"b": {"type": "integer"}}}
    with pytest.raises(Refused, match=r"Line 4, column “B”: “3\.5” is not a whole number\."):
        loaded("a,B\n1,2\n\n2,3.5\n", readings=readings)
    with pytest.raises(Refused, match="no column “c”"):
        loaded("a,B\n1,2\n", readings={"t": {"c": {"type": "text"}}})
