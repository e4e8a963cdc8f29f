"""The text of a page in HTML: headings and lists as in Markdown, tables as rows, without scripts and styles."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from lxml import etree
from lxml import html as lxml_html

from conversations.extraction.refusals import Refused

_LEFT_OUT: Final = frozenset(
    ("head", "iframe", "noscript", "object", "script", "style", "svg", "template", "ix:header", "ix:hidden")
)
_HEADINGS: Final = {f"h{level}": f"{'#' * level} " for level in range(1, 7)}
_MARKS: Final = {**_HEADINGS, "li": "- "}
_BLOCKS: Final = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "main", "nav", "ol"),
        *("p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul"),
        *_MARKS,
    )
)
_CELLS: Final = frozenset(("td", "th"))
# A cell with one of these lays out the page, and is no cell of a table of data.
_LAYOUT: Final = ("table", "ul", "ol", *_HEADINGS)
# Stands before a cell, while the text is put together. No text has it: it is a control character.
_CELL: Final = "\x1f"
MAX_SPAN: Final = 100


def text_of(markup: str) -> str:
    """The text. Raises Refused."""
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        root = lxml_html.document_fromstring(markup.encode(), parser=parser)
    except etree.LxmlError:
        raise Refused("unreadable") from None
    return "\n\n".join(_paragraphs("".join(_pieces(root)).replace("\n- \n", "\n- ").split("\n")))


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """The lines that have text, each a paragraph, but rows of a table that follow each other are one."""
    filled = (line for line in lines if line.strip(f" {_CELL}"))
    for is_table, group in groupby(filled, key=lambda line: _CELL in line):
        if is_table:
            yield _table([[" ".join(cell.split()) for cell in line.split(_CELL)[1:]] for line in group])
        else:
            yield from (" ".join(line.split()) for line in group)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """The rows, without columns that are empty in all of them, which only make space."""
    width = max(map(len, rows))
    full = [[*row, *[""] * (width - len(row))] for row in rows]
    columns = [place for place in range(width) if any(row[place] for row in full)]
    return "\n".join(f"| {' | '.join(row[place] for place in columns)} |" for row in full)


def _pieces(root: Any) -> Iterator[str]:
    """The texts of the elements, with line ends around blocks and _CELL before each cell. Without recursion: pages may
    be nested deeply."""
    walk = etree.iterwalk(root, events=("start", "end"))
    # The cell of data that we are in: what is a block elsewhere does not end its line.
    cell: Any = None
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else ""
        is_block = tag in _BLOCKS
        if event == "end":
            if element is cell:
                cell = None
                yield _CELL * (_span(element) - 1)
            yield " " if cell is not None else "\n" if is_block else ""
            yield _text(element.tail)
        elif tag in _LEFT_OUT:
            walk.skip_subtree()
        else:
            if cell is None and tag in _CELLS and next(element.iter(*_LAYOUT), None) is None:
                cell = element
                yield _CELL
            elif is_block:
                yield f"\n{_MARKS.get(tag, '')}" if cell is None else " "
            yield _text(element.text)


def _span(cell: Any) -> int:
    span = cell.get("colspan", "")
    return (
        min(int(span), MAX_SPAN) if span.isascii() and span.isdecimal() and len(span) < 5 and int(span) else 1
    )


def _text(text: str | None) -> str:
    return "" if text is None else text.replace("\n", " ").replace(_CELL, "")
