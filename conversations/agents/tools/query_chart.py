"""How a result can be drawn, by the types of its columns: a line over dates, bars over names."""

from itertools import pairwise
from typing import Any, Final

from conversations.domain.enums import ResultChartKind
from conversations.domain.events import ResultChart
from evidence.sandbox.pool import Result
from evidence.sandbox.values import is_number

# Bars, and lines of one chart, that a person can tell apart.
_MOST_BARS: Final = 40
_MOST_LINES: Final = 4


def chart_of(result: Result) -> ResultChart | None:
    """None if the first column does not name the rows, or nothing else is a number."""
    if len(result.rows) < 2 or result.truncated:
        return None
    y = tuple(place for place, type_ in enumerate(result.types) if place and is_number(type_))
    names: list[Any] = [row[0] for row in result.rows]
    if not y or None in names or len(set(names)) < len(names):
        return None
    if result.types[0].startswith(("DATE", "TIMESTAMP")):
        is_sorted = all(a < b for a, b in pairwise(names)) or all(a > b for a, b in pairwise(names))
        return ResultChart(kind=ResultChartKind.LINE, x=0, y=y[:_MOST_LINES]) if is_sorted else None
    if len(names) > _MOST_BARS or result.types[0].startswith(("DECIMAL", "DOUBLE", "FLOAT")):
        return None
    return ResultChart(kind=ResultChartKind.BAR, x=0, y=y[:1])
