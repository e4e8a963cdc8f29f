"""The tables in the Markdown of messages, as cells for a spreadsheet. Pure."""

import re
from typing import Final

from markdown_it import MarkdownIt

# The rows of a table, the first of which is its head.
Table = list[list[str]]

_PARSER: Final = MarkdownIt("commonmark").enable("table")
_TEXT: Final = frozenset({"text", "code_inline", "html_inline"})
# A number as people write it: -3.2, +1,250.75, -$4, -12 %.
_NUMBER: Final = re.compile(r"[+-]?[$€£¥]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?([eE][+-]?\d+)?\s?%?")
# With these, some in their full-width form, a spreadsheet takes a text for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def tables(markdown: str) -> list[Table]:
    """The tables of a message, in order; cells are plain text."""
    if "|" not in markdown:
        return []
    found: list[Table] = []
    is_cell = False
    for token in _PARSER.parse(markdown):
        match token.type:
            case "table_open":
                found.append([])
            case "tr_open":
                found[-1].append([])
            case "th_open" | "td_open":
                is_cell = True
            case "th_close" | "td_close":
                is_cell = False
            case "inline" if is_cell:
                found[-1][-1].append(
                    "".join(part.content for part in token.children or () if part.type in _TEXT)
                )
    return found


def disarmed(cell: str) -> str:
    """The cell as a spreadsheet may open it: a number stays one (with a hyphen for a minus sign), and a text that would
    be a formula begins with an apostrophe."""
    number = cell.replace("\u2212", "-", 1)
    if _NUMBER.fullmatch(number):
        return number
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
