"""Ranges of a price: "a 52-week range of $411.23 to $702.10" says a low and a high, and no close."""

import re
from typing import Final

from evidence.checker.mentions import SPAN, window_of
from evidence.checker.parts import Parts
from evidence.checker.vocabulary import Metric

_LONGEST: Final = 60
_RANGED: Final = re.compile(
    r"\b(?:rang(?:e[sd]?|ing)|band|swung|swings?|fluctuat(?:es?|ed|ing)|oscillat(?:es?|ed|ing)|var(?:y|ies|ied)"
    r"|between)\b[^.;]*$",
    re.IGNORECASE,
)
_OPENED: Final = re.compile(r"(?:\b(?:from|between|of|in|is|was|at)|:) ?$", re.IGNORECASE)
_JOINED: Final = re.compile(r" ?(?:-|–|—|to|and) ?")
# What has lows and highs in a record.
_PRICES: Final = frozenset(("close", "high", "low"))


def metric_in_range(parts: Parts, number: int, metric: Metric | None) -> tuple[Metric, bool] | None:
    """The low or the high that an end of a range of prices says, and whether its window is said, too; None if the
    figure of this number is no end of one. `metric` is what the figure would be about by itself."""
    if metric is not None and metric.family not in _PRICES:
        return None
    for first, end in ((number, "low"), (number - 1, "high")):
        if 0 <= first < len(parts.figures) - 1 and _is_range(parts, first):
            span = SPAN.search(parts.text, max(0, parts.figures[first].start - _LONGEST))
            window = None if span is None else window_of(span)
            return Metric(end, window), window is not None
    return None


def _is_range(parts: Parts, first: int) -> bool:
    low, high = parts.figures[first], parts.figures[first + 1]
    before = parts.text[
        max(0, low.start - _LONGEST, *(each.end for each in parts.figures[:first])) : low.start
    ]
    return (
        low.measure is high.measure
        and low.value < high.value
        and _JOINED.fullmatch(parts.text[low.end : high.start]) is not None
        and _OPENED.search(before) is not None
        and _RANGED.search(before) is not None
    )
