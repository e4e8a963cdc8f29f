"""Tells the type of a file by its bytes. Names are used only to refuse tables of text, which look like text."""

import csv
import io
import re
import zipfile
from typing import Final

from conversations.domain.sources import SourceType
from conversations.extraction.refusals import Refused

# Bytes at which the mark of a PDF may begin: some have a few bytes before it.
_PDF_HEAD: Final = 1_024
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SPREADSHEET_NAMES: Final = (".csv", ".tsv", ".xls", ".xlsx", ".xlsm", ".xlsb", ".ods")
# Parts of the files that office programs write, and what they are.
_PARTS: Final = {
    "word/document.xml": None,
    "xl/workbook.xml": "spreadsheet",
    "xl/workbook.bin": "spreadsheet",
}
_HTML: Final = re.compile(
    r"<(?:!doctype\s+html|html|head|body|article|main|section|div|h[1-6]|p|table)\b", re.IGNORECASE
)
_MARKDOWN: Final = re.compile(r"^(?:#{1,6} \S|```|\|[ :|-]+\|[ \t]*$)", re.MULTILINE)
# Control characters that no text has.
_BINARY: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Lines from which a table of text is told, and characters that separate its columns.
_LINES: Final = 20
_SEPARATORS: Final = ",;\t"


def tell(data: bytes, name: str) -> tuple[SourceType, str]:
    """The type of the file, and its characters if it is one of text. Raises Refused."""
    if b"%PDF-" in data[:_PDF_HEAD]:
        return SourceType.PDF, ""
    if data.startswith(b"PK\x03\x04"):
        return _in_zip(data), ""
    is_named_spreadsheet = name.lower().endswith(_SPREADSHEET_NAMES)
    if data.startswith(_OLE):
        raise Refused("spreadsheet" if is_named_spreadsheet else "legacy_word")
    text = _decoded(data)
    if not text.strip():
        raise Refused("empty")
    if is_named_spreadsheet or _is_table(text):
        raise Refused("spreadsheet")
    beginning = text.lstrip()[:_PDF_HEAD]
    if _HTML.match(beginning) or (beginning.startswith("<?xml") and "<html" in beginning.lower()):
        return SourceType.HTML, text
    if beginning.startswith(("<?xml", "<svg", "{\\rtf")):
        raise Refused("unknown_type")
    return SourceType.MARKDOWN if _MARKDOWN.search(text) else SourceType.TEXT, text


def _in_zip(data: bytes) -> SourceType:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {*archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise Refused("unreadable") from None
    for part, refusal in _PARTS.items():
        if part in names:
            if refusal is None:
                return SourceType.DOCX
            raise Refused(refusal)
    is_open_document = "content.xml" in names and any("spreadsheet" in name.lower() for name in names)
    raise Refused("spreadsheet" if is_open_document else "unknown_type")


def _decoded(data: bytes) -> str:
    """The text in UTF-8, in UTF-16 with a byte order mark, or else in Windows' Latin alphabet."""
    is_utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if is_utf_16 else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _BINARY.search(text):
            return text
    raise Refused("unknown_type")


def _is_table(text: str) -> bool:
    """Whether the first lines, three or more, all have the same three or more columns, and none ends as a sentence."""
    lines = [line for line in text[:20_000].split("\n")[:_LINES] if line.strip()]
    if len(lines) < 3 or any(line.rstrip().endswith((".", "!", "?", ":", "|")) for line in lines):
        return False
    return any(_columns(lines, separator) >= 3 for separator in _SEPARATORS)


def _columns(lines: list[str], separator: str) -> int:
    """The number of columns, 0 if it differs from line to line."""
    try:
        widths = {len(row) for row in csv.reader(lines, delimiter=separator, strict=True)}
    except csv.Error:
        return 0
    return widths.pop() if len(widths) == 1 else 0
