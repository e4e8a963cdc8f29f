"""Files as people upload them, made by the tests, and what is written of them."""

import io
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import docx
import pytest


def pdf(*pages: str, is_encrypted: bool = False, has_image: bool = False) -> bytes:
    """A PDF with these pages, each a line of ASCII, or an image and no text."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>"
        % (b" ".join(b"%d 0 R" % (5 + 2 * place) for place in range(len(pages))), len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
        b" /Length 1 >>\nstream\nx\nendstream",
    ]
    for place, text in enumerate(pages):
        drawn = b"BT /F1 12 Tf 72 720 Td (%s) Tj ET" % text.encode()
        if has_image:
            drawn += b" q 500 0 0 700 50 50 cm /I1 Do Q"
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> /XObject << /I1 4 0 R >> >> >>" % (6 + 2 * place),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        ]
    return _pdf_of(objects, is_encrypted=is_encrypted)


def _pdf_of(objects: Sequence[bytes], *, is_encrypted: bool) -> bytes:
    file, offsets = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"/Root 1 0 R /Size %d" % size
    if is_encrypted:
        lock = b"<%s>" % (b"5a" * 32)
        trailer += (
            b" /ID [<00> <00>] /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O %s /U %s >>"
            % (
                lock,
                lock,
            )
        )
    xref = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return file + xref + b"trailer << %s >>\nstartxref\n%d\n%%%%EOF" % (trailer, len(file))


def word(*, heading: str, paragraph: str, rows: Sequence[Sequence[str]]) -> bytes:
    """A Word file with a heading, a paragraph and a table."""
    document: Any = docx.Document()
    document.add_heading(heading, 1)
    document.add_paragraph(paragraph)
    table = document.add_table(len(rows), len(rows[0]))
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def archive(**parts: bytes) -> bytes:
    """A ZIP archive. In the names of its parts, `__` stands for a slash, and `_` for a full stop."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts.items():
            # Of no date, so that the same content is the same file: names of tests are made of it.
            entry = zipfile.ZipInfo(name.replace("__", "/").replace("_", "."))
            zipped.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what is written to temporary files from now on."""
    sizes: list[int] = []
    write = tempfile.SpooledTemporaryFile.write

    def measured(file: Any, content: bytes) -> int:
        sizes.append(len(content))
        return write(file, content)

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "write", measured)
    return sizes


def xlsx(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """An Excel file with these sheets: numbers, and texts without marks of XML."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        names = "".join(
            f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
            for number, name in enumerate(sheets, start=1)
        )
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{_OFFICE}/package/2006/content-types"/>')
        archive.writestr("_rels/.rels", _relations(["xl/workbook.xml"], "officeDocument"))
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}/officeDocument/2006/relationships"><sheets>{names}'
            "</sheets></workbook>",
        )
        parts = [f"worksheets/sheet{number}.xml" for number in range(1, len(sheets) + 1)]
        archive.writestr("xl/_rels/workbook.xml.rels", _relations(parts, "worksheet"))
        for number, rows in enumerate(sheets.values(), start=1):
            data = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{data}</sheetData></worksheet>',
            )
    return file.getvalue()


_OFFICE = "http://schemas.openxmlformats.org"
_MAIN = f"{_OFFICE}/spreadsheetml/2006/main"


def _relations(parts: Sequence[str], type_: str) -> str:
    links = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/officeDocument/2006/relationships/{type_}" Target="{part}"/>'
        for number, part in enumerate(parts, start=1)
    )
    return f'<Relationships xmlns="{_OFFICE}/package/2006/relationships">{links}</Relationships>'


def _cell(value: object) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value}</v></c>"
