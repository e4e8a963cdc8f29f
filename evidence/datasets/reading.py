"""Reads a file as sheets of texts: rows of cells, each with the number of its line.

The type of the file is told by its bytes, and for JSON Lines by its first character. The encoding is UTF-8, UTF-16 with
a byte order mark, or else Windows-1252; the separator is the one that splits the first lines into the most columns.
"""

import csv
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from evidence.datasets.refusals import Refused

Cells = list[str]
Row = tuple[int, Cells]

MAX_COLUMNS: Final = 500
# Characters of one cell.
MAX_CELL: Final = 1_000_000
# Bytes of an Excel file's parts when unpacked. A zip bomb says so in its directory.
MAX_UNPACKED: Final = 2 * 1024 * 1024 * 1024
_SEPARATORS: Final = (",", ";", "\t", "|")
_LINES_TO_TELL: Final = 50
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARQUET: Final = b"PAR1"


@dataclass(frozen=True)
class Sheet:
    """`rows` may be called several times. `mark` is the decimal mark that the separator tells."""

    label: str
    header: Cells
    rows: Callable[[], Iterator[Row]]
    mark: str | None = None


def is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == _PARQUET


def sheets(path: Path, name: str) -> list[Sheet]:
    """The sheets of the file. Raises Refused."""
    with path.open("rb") as file:
        beginning = file.read(4096)
    if beginning.startswith(_OLE):
        # Also what an Excel file with a password is.
        raise Refused("encrypted" if name.lower().endswith(".xlsx") else "unknown_type")
    if beginning.startswith(b"PK\x03\x04"):
        return _excel(path)
    stem = Path(name).stem
    if beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return [_json_lines(path, stem)]
    return [_separated(path, stem)]


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head == b"%PDF":
        raise Refused("unknown_type")
    try:
        with path.open(encoding="utf-8") as text:
            while text.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[TextIO]:
    with path.open(encoding=encoding, newline="") as file:
        yield file


def _separated(path: Path, label: str) -> Sheet:
    encoding = _encoding(path)
    with _opened(path, encoding) as file:
        separator = _separator(list(islice(file, _LINES_TO_TELL)))

    def rows() -> Iterator[Row]:
        csv.field_size_limit(MAX_CELL)
        with _opened(path, encoding) as file:
            reader = csv.reader(file, delimiter=separator, strict=True)
            width = None
            line = 1
            try:
                for cells in reader:
                    if "".join(cells).strip():
                        width = width or len(cells)
                        yield line, _fitted(cells, width, line)
                    line = reader.line_num + 1
            except csv.Error as failure:
                raise Refused("bad_row", line=reader.line_num, detail=f"{failure}.") from None
            except UnicodeDecodeError:
                raise Refused("undecodable", line=reader.line_num + 1) from None

    return _headed(label, rows, "," if separator == ";" else None)


def _fitted(cells: Cells, width: int, line: int) -> Cells:
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    if len(cells) != width:
        raise Refused("bad_cells", line=line, found=len(cells), expected=width)
    return cells


def _separator(lines: list[str]) -> str:
    def columns(separator: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:
            return 0, 0
        # The same number in most lines first, so that a comma in a text does not win.
        return (widths.count(widths[0]) if widths and widths[0] > 1 else 0), widths[0] if widths else 0

    return max(_SEPARATORS, key=columns)


def _headed(label: str, rows: Callable[[], Iterator[Row]], mark: str | None = None) -> Sheet:
    """The sheet whose first row has the names of its columns."""
    _, header = next(rows(), (0, []))
    if not header:
        raise Refused("empty")
    if len(header) > MAX_COLUMNS:
        raise Refused("too_many_columns", most=MAX_COLUMNS)
    if any("\0" in cell for cell in header):
        raise Refused("unknown_type")
    return Sheet(label, header, lambda: islice(rows(), 1, None), mark)


def _json_lines(path: Path, label: str) -> Sheet:
    encoding = _encoding(path)

    def objects() -> Iterator[tuple[int, dict[str, Any]]]:
        with _opened(path, encoding) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    value = json.loads(line, parse_float=str, parse_int=str)
                except json.JSONDecodeError as failure:
                    raise Refused("bad_json", line=number, column=failure.colno) from None
                if not isinstance(value, dict):
                    raise Refused("not_object", line=number)
                yield number, value

    header = list(dict.fromkeys(key for _, value in objects() for key in value))
    if len(header) > MAX_COLUMNS:
        raise Refused("too_many_columns", most=MAX_COLUMNS)

    def rows() -> Iterator[Row]:
        for number, value in objects():
            yield number, [_json_text(value.get(key)) for key in header]

    return Sheet(label, header, rows, ".")


def _json_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


def _excel(path: Path) -> list[Sheet]:
    # It is loaded only for these files.
    import python_calamine

    try:
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" not in archive.namelist():
                raise Refused("unknown_type")
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise Refused("too_complex")
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        found = [_excel_sheet(book, name) for name in book.sheet_names]
    except (zipfile.BadZipFile, python_calamine.CalamineError):
        raise Refused("unreadable") from None
    filled = [sheet for sheet in found if sheet is not None]
    if not filled:
        raise Refused("empty")
    return filled


def _excel_sheet(book: Any, name: str) -> Sheet | None:
    def rows() -> Iterator[Row]:
        sheet = book.get_sheet_by_name(name)
        first = sheet.start[0] if sheet.start else 0
        for number, cells in enumerate(sheet.iter_rows(), start=first + 1):
            if any(cell != "" for cell in cells):
                yield number, [_cell_text(cell) for cell in cells]

    try:
        return _headed(name, rows, ".")
    except Refused as refused:
        if refused.code == "empty":
            return None
        raise


def _cell_text(cell: Any) -> str:
    match cell:
        case bool():
            return "true" if cell else "false"
        case float():
            # Excel has 15 digits; the rest is noise of binary fractions.
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
        case datetime():
            return cell.isoformat(" ")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
    return str(cell)
