"""The text of a Word file: headings as in Markdown, tables as rows."""

import io
import zipfile
from collections.abc import Iterator
from typing import Final

import docx
from docx.document import Document
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError

from conversations.extraction.refusals import Refused

# Bytes of all parts when unpacked. A zip bomb says so in its directory, and Python unpacks no more than that says.
MAX_UNPACKED: Final = 200 * 1024 * 1024


def text_of(data: bytes) -> str:
    """The text. Raises Refused."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
            raise Refused("too_complex")
    try:
        return "\n\n".join(_blocks(docx.Document(io.BytesIO(data))))
    except (LxmlError, zipfile.BadZipFile, KeyError, ValueError, AttributeError):
        raise Refused("unreadable") from None


def _blocks(document: Document) -> Iterator[str]:
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            rows = (_row(row) for row in _cells(block))
            yield "\n".join(filter(None, rows))
        elif text := block.text.strip():
            yield _mark(block) + text


def _cells(table: Table) -> Iterator[list[str]]:
    for row in table.rows:
        # A cell that spans several columns is repeated.
        seen = {id(cell._tc): cell for cell in row.cells}
        yield [" ".join(cell.text.split()) for cell in seen.values()]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |" if any(cells) else ""


def _mark(paragraph: Paragraph) -> str:
    """Markdown's mark of a heading or of a list's item."""
    style = paragraph.style.name if paragraph.style is not None else None
    match (style or "").split():
        case ["Title"]:
            return "# "
        case ["Heading", level] if level.isdecimal():
            return f"{'#' * min(int(level), 6)} "
        case ["List", *_]:
            return "- "
    return ""
