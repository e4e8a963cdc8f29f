"""Rows of Markdown tables: each cell is read as a sentence made of its row's and its column's head."""

import re
from dataclasses import dataclass
from typing import Final

_RULE: Final = re.compile(r"[\s|:-]*-[\s|:-]*")
_UNIT: Final = re.compile(
    r"[(,\[]\s*(?P<currency>US\$|[$€£]|USD|EUR|GBP)?\s*(?:in )?(?P<scale>bn|billions?|m|mn|millions?|thousands?"
    r"|k|%)?\s*[)\]]?\s*$",
    re.IGNORECASE,
)
_SMALL: Final = re.compile(r"[\s*]*\d[\s*]*")
MAX_CELLS: Final = 40


@dataclass(frozen=True)
class Cell:
    """A sentence for a cell. Its characters from `start` on are those of the row from `place` on, `length` of them."""

    sentence: str
    start: int
    place: int
    length: int


class Table:
    """Feed it the lines of a message. `header` is empty outside of a table."""

    def __init__(self) -> None:
        self._header: list[str] = []

    def cells(self, line: str) -> list[Cell] | None:
        """The cells of a row below the header; None if the line is no row of a table."""
        row = line.strip()
        if not row.startswith("|") or row.count("|") < 2:
            self._header = []
            return None
        if _RULE.fullmatch(row):
            return []
        parts = _split(line)
        if not self._header:
            self._header = [text.strip(" *") for _, text in parts]
            return []
        return [
            cell
            for number, part in enumerate(parts[:MAX_CELLS])
            if (cell := self._cell(number, part, parts)) is not None
        ]

    def _cell(self, number: int, part: tuple[int, str], parts: list[tuple[int, str]]) -> Cell | None:
        place, text = part
        # Small counts are no claims.
        if number == 0 or _SMALL.fullmatch(text) or not any(character.isdigit() for character in text):
            return None
        row = parts[0][1].strip(" *")
        column = self._header[number] if number < len(self._header) else ""
        sign, scale = _unit(column) if _UNIT.search(column) else _unit(row)
        value = text.strip(" *")
        has_unit = not value.strip("+-").replace(",", "").replace(".", "").isdigit()
        heads = f"{_UNIT.sub('', row)} in {_UNIT.sub('', column)} was "
        prefix, suffix = ("", "") if has_unit else (sign, scale)
        return Cell(
            f"{heads}{prefix}{value}{suffix}", len(heads) + len(prefix), place + text.index(value), len(value)
        )


def _unit(head: str) -> tuple[str, str]:
    """The currency and the scale that a head gives for its cells, such as "Revenue ($bn)"."""
    match = _UNIT.search(head)
    if match is None:
        return "", ""
    scale = (match["scale"] or "").lower()
    return (match["currency"] or "").replace("USD", "$").replace("EUR", "€").replace(
        "GBP", "£"
    ), scale if scale == "%" else f" {scale}" if scale else ""


def _split(line: str) -> list[tuple[int, str]]:
    """The cells with the place where each begins."""
    cells, place = [], line.index("|") + 1
    for text in line[place:].rstrip().removesuffix("|").split("|"):
        cells.append((place, text))
        place += len(text) + 1
    return cells
