"""Rows of Markdown tables: each cell is read as a sentence made of its row's and its column's head."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from evidence.checker.figure import Figure, Measure
from evidence.checker.heads import (
    NO_UNIT,
    UNCLEAR,
    HeadUnit,
    both,
    has_unread_period,
    is_of_change,
    of_caption,
    of_head,
)
from evidence.checker.notation import CODES, scale_after, unit_after
from evidence.checker.periods import said
from evidence.checker.verdicts import Label, Verdict
from evidence.checker.vocabulary import METRICS, PERCENTAGES, Vocabulary

_RULE: Final = re.compile(r"[\s|:-]*-[\s|:-]*")
_SMALL: Final = re.compile(r"[\s*]*\d[\s*]*")
_NUMBER: Final = r"[+-]?\d(?:[\d.,'’ ]*\d)?"
_NUMERAL: Final = re.compile(rf"\({_NUMBER}\)|{_NUMBER}")
_OF_CURRENCY: Final = re.compile(r"(?:[A-Z]{0,3}[$€£¥₹]|\b[A-Z]{3}\b|Rs\.?)\s?[(+-]?$")
_JOINED: Final = re.compile(r" ?(?:[-–—]|to ) ?\d")
_CITATION: Final = re.compile(r"\[[^\[\]]*\]")
_POINT_AND_THREE: Final = re.compile(r"\d{1,3}(?:\.\d{3})+")
_CODE: Final = re.compile(CODES)
_UNITS: Final = re.compile(r"units?|einheit|currency|währung|measure", re.IGNORECASE)
MAX_CELLS: Final = 40
# A bare cell that is as many times another size than the record has it in a unit that nobody says.
_OTHER_SCALE: Final = 50
# Amounts that a whole table's scale is for, and values of one share, which only have its currency.
_AMOUNTS: Final = frozenset(
    (
        "revenue", "cost_of_revenue", "net_income", "gross_profit", "operating_income", "ebitda", "rnd", "sga", "cash",
        "total_assets", "total_liabilities", "total_debt", "equity", "free_cash_flow", "operating_cash_flow", "capex",
        "buybacks", "market_cap", "enterprise_value", "gdp", "real_gdp", "backlog",
    )
)  # fmt: skip
_OF_A_SHARE: Final = frozenset(("close", "high", "low", "sma", "ema", "all_time_high", "eps", "dividend"))


@dataclass(frozen=True)
class Cell:
    """A sentence for a cell. Its character i, from `start` on, stood at `places[i - start]` of the row.

    `is_stated`: the table says the cell's unit. `is_read`: unit and period are understood. `is_change`: a head says
    that the cell is a change. `is_known`: the head of the row is empty, or names something that is known."""

    sentence: str
    start: int
    places: list[int]
    is_stated: bool
    is_read: bool
    is_change: bool
    is_known: bool

    def span(self, figure: Figure) -> tuple[int, int]:
        """Where the figure stands in the row."""
        return self.places[max(figure.start - self.start, 0)], self.places[figure.end - self.start - 1] + 1

    def judged(self, figure: Figure, verdict: Verdict) -> Verdict:
        """The verdict, or that the cell is not checked: it is never red for what its heads do not say clearly."""
        if not self.is_read:
            return Verdict(Label.UNCHECKED)
        if verdict.label is not Label.CONTRADICTED or verdict.expected is None:
            return verdict
        stated, expected = abs(figure.value), abs(verdict.expected)
        is_far = (
            not stated or not expected or max(stated / expected, expected / stated) >= Decimal(_OTHER_SCALE)
        )
        is_bare = not self.is_stated and figure.measure is Measure.PLAIN
        is_unclear = self.is_change or not self.is_known or (is_bare and is_far)
        return Verdict(Label.UNCHECKED) if is_unclear else verdict


class Table:
    """Give it the lines of a message in order: the unit of a table may stand in the line above it."""

    def __init__(self, words: Vocabulary) -> None:
        self._words = words
        self._header: list[tuple[HeadUnit, str]] = []
        self._caption = NO_UNIT
        self._unit_column: int | None = None

    def cells(self, line: str) -> list[Cell] | None:
        """The cells of a row below the header; None if the line is no row of a table."""
        row = line.strip()
        if not row.startswith("|") or row.count("|") < 2:
            self._header = []
            self._caption = of_caption(row[-400:]) if row else self._caption
            return None
        if _RULE.fullmatch(row):
            return []
        parts = _split(line)
        if not self._header:
            heads = [text.strip(" *") for _, text in parts[:MAX_CELLS]]
            self._header = [of_head(head) for head in heads]
            self._unit_column = next((at for at, head in enumerate(heads) if _UNITS.fullmatch(head)), None)
            return []
        row_unit, row_head = of_head(parts[0][1].strip(" *"), is_row=True)
        if self._unit_column is not None and 0 < self._unit_column < len(parts):
            row_unit = _of_cell(parts[self._unit_column][1].strip(" *")) or row_unit
        is_known = self._is_known(row_head)
        return [
            self._cell(number, part, row_unit, row_head, is_known=is_known)
            for number, part in enumerate(parts[:MAX_CELLS])
            # Small counts are no claims.
            if number not in {0, self._unit_column}
            and not _SMALL.fullmatch(part[1])
            and any(character.isdigit() for character in part[1])
        ]

    def _cell(
        self, number: int, part: tuple[int, str], row_unit: HeadUnit, row: str, *, is_known: bool
    ) -> Cell:
        place, text = part
        column_unit, column = self._header[number] if number < len(self._header) else (NO_UNIT, "")
        value = text.strip(" *")
        place += text.index(value)
        if not column and _CODE.fullmatch(row) and (second := _CODE.fullmatch(column_unit.prefix.strip())):
            # The rate of two currencies.
            row, column_unit = f"{row}/{second[0]}", NO_UNIT
        family = _family(row, column)
        is_of_all = _family(column) is None and family != "fx"
        if column_unit and not row_unit and is_of_all and not column_unit.is_measure:
            column_unit = _of_family(column_unit, family)
        unit = both(row_unit, column_unit)
        unit = unit or _of_family(self._header[0][0], family) or _of_family(self._caption, family)
        sentence, places, is_read = _with_unit(value, place, unit)
        heads = f"{row} in {column} was " if column else f"{row} was "
        return Cell(
            f"{heads}{sentence}", len(heads), places, bool(unit),
            is_read and not any(map(has_unread_period, (row, column))),
            any(map(is_of_change, (row, column))),
            is_known,
        )  # fmt: skip

    def _is_known(self, row: str) -> bool:
        """Whether the head of a row names a metric, a subject of the record or a period, or nothing: a segment does
        not, and its revenue is not the company's."""
        expressions = (self._words.any_metric, *self._words.subjects.values())
        return not row or bool(said(row)) or any(each.search(row) for each in expressions)


def _of_cell(text: str) -> HeadUnit:
    """What a cell of a column of units says."""
    unit, rest = of_head(text)
    return (
        unit
        if unit or rest.lower() in {"", "-", "–", "index", "points", "ratio", "count", "shares"}
        else UNCLEAR
    )


def _family(*heads: str) -> str | None:
    """The metric that heads name; of several the longest."""
    return max(map(_longest, heads))[1] or None


@lru_cache(maxsize=256)
def _longest(head: str) -> tuple[int, str]:
    found = [
        (match.end() - match.start(), family)
        for family, expression in METRICS.items()
        if (match := expression.search(head)) is not None
    ]
    return max(found, default=(0, ""))


def _of_family(unit: HeadUnit, family: str | None) -> HeadUnit:
    """What is left of a whole table's unit for this metric: an amount per share has no millions."""
    if family is None:
        return unit
    if not unit.is_clear or family in _AMOUNTS:
        return UNCLEAR if family in _AMOUNTS and unit.is_measure else unit
    if unit.is_measure:
        return unit if family in PERCENTAGES else NO_UNIT
    return HeadUnit(unit.prefix, is_german=unit.is_german) if family in _OF_A_SHARE else NO_UNIT


def _with_unit(value: str, place: int, unit: HeadUnit) -> tuple[str, list[int], bool]:
    """(the cell with its unit written to it, where each character stood, whether it is understood)"""
    bare = _CITATION.sub(lambda match: " " * len(match[0]), value)
    numerals = list(_NUMERAL.finditer(bare))
    places = list(range(place, place + len(value)))
    if not unit or not numerals:
        return value, places, True
    first, last = numerals[0], numerals[-1]
    is_range = len(numerals) == 2 and _JOINED.match(bare, first.end(), last.end()) is not None
    own = _OF_CURRENCY.search(bare[: first.start()])
    end = last.end() if is_range else first.end()
    _, scale_end = scale_after(bare, end)
    measure, *_ = unit_after(bare, scale_end)
    if measure is not Measure.PLAIN:
        return value, places, True
    is_same = (
        own is None or not unit.prefix or own[0].strip(" (+-").replace("US$", "$") in unit.prefix + "USD $"
    )
    is_read = unit.is_clear and (len(numerals) == 1 or is_range) and is_same
    if unit.is_german and _POINT_AND_THREE.fullmatch(first[0].strip("()+-")):
        is_read = False
    if own is not None and unit.is_measure:
        return value, places, True
    prefix = "" if own is not None else unit.prefix
    suffix = "" if scale_end > end else unit.suffix
    # "(6.8)" is "(6.8%)", but a currency stands before the bracket and its scale behind it.
    at = end - (first[0].endswith(")") and not prefix and own is None)
    sentence = f"{value[: first.start()]}{prefix}{value[first.start() : at]}{suffix}{value[at:]}"
    places[at:at] = [places[at - 1]] * len(suffix)
    places[first.start() : first.start()] = [places[first.start()]] * len(prefix)
    return sentence, places, is_read


def _split(line: str) -> list[tuple[int, str]]:
    """The cells with the place where each begins."""
    cells, place = [], line.index("|") + 1
    for text in line[place:].rstrip().removesuffix("|").split("|"):
        cells.append((place, text))
        place += len(text) + 1
    return cells
