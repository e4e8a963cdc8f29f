"""Tells the type of a column from all its texts.

1. The first type that fits every text is taken: boolean, integer, decimal, float, date, timestamp; else it is text.
2. A number with a zero in front (a postcode) is text, and so are numbers with different signs, such as $ and €.
3. `1,234` fits both decimal marks, and 03/04/2024 both orders. The person's word decides, then the file's other
   columns; else the mark is assumed to be a point, and the date is left as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from evidence.datasets.model import Reading, Type
from evidence.datasets.texts import EXPONENT, INTEGER, NARROW, ORDERS, WIDEST, Texts, number

Note = Literal["mark_assumed", "order_unknown"]
# Fits either mark, with another value.
_TWO_VALUES: Final = r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}"


@dataclass(frozen=True)
class Hints:
    """The decimal mark and the order of dates that the person, or other columns, tell."""

    decimal: str | None = None
    dates: str | None = None


def guess_all(columns: Sequence[Texts], hints: Hints) -> list[tuple[Reading, Note | None]]:
    """How each column of a table is read. Columns that tell the mark or the order decide for those that do not."""
    guesses = [guess(texts, hints) for texts in columns]
    told = [reading for reading, note in guesses if note is None]
    marks = {reading.decimal for reading in told} - {None}
    orders = {reading.dates for reading in told} - {None, "ymd"}
    better = Hints(
        hints.decimal or (marks.pop() if len(marks) == 1 else None),
        hints.dates or (orders.pop() if len(orders) == 1 else None),
    )
    return [
        (reading, note) if note is None else guess(texts, better)
        for texts, (reading, note) in zip(columns, guesses, strict=True)
    ]


def guess(texts: Texts, hints: Hints) -> tuple[Reading, Note | None]:
    if not texts.some(f"{texts.text} IS NOT NULL"):
        return Reading(type=Type.TEXT), None
    if texts.all(f"lower({texts.text}) IN ('true', 'false', 'yes', 'no')"):
        return Reading(type=Type.BOOLEAN), None
    return _number(texts, hints) or _date(texts, hints)


def _number(texts: Texts, hints: Hints) -> tuple[Reading, Note | None] | None:
    if texts.are_numbers(INTEGER) and len(texts.signs()) == 1:
        return Reading(type=Type.INTEGER), None
    marks = [mark for mark in (".", ",") if texts.are_numbers(number(mark))]
    if not marks and not texts.are_numbers(f"{EXPONENT}|{number('.')}"):
        return None
    if len(texts.signs()) > 1:
        return None
    if not marks:
        return Reading(type=Type.FLOAT), None
    mark, note = marks[0], None
    if len(marks) > 1 and texts.some(texts.matching(texts.bare, _TWO_VALUES)):
        mark = hints.decimal or "."
        note = None if hints.decimal else "mark_assumed"
    type_ = _width(texts, mark)
    return Reading.model_validate({"type": type_, "decimal": mark}), note  # type: ignore[return-value]


def _width(texts: Texts, mark: str) -> Type:
    width, scale = texts.widths(mark)
    if width + scale > WIDEST:
        return Type.FLOAT
    return Type.DECIMAL if scale or width > NARROW else Type.INTEGER


def _date(texts: Texts, hints: Hints) -> tuple[Reading, Note | None]:
    for type_ in (Type.DATE, Type.TIMESTAMP):
        readings = [Reading.model_validate({"type": type_, "dates": order}) for order in ORDERS]
        fitting = [reading for reading in readings if texts.all(f"{texts.value(reading)} IS NOT NULL")]
        if len(fitting) > 1:
            fitting = [reading for reading in fitting if reading.dates == hints.dates]
            if not fitting:
                return Reading(type=Type.TEXT), "order_unknown"
        if fitting:
            return fitting[0], None
    return Reading(type=Type.TEXT), None
