"""Figures in words: twenty-five per cent, ten times, doubled."""

import re
from decimal import Decimal
from typing import Final

from evidence.checker.figure import Figure, Measure
from evidence.checker.notation import bound_before, odd, unit_after

_ONES: Final = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}

_TENS: Final = {
    word: 10 * number
    for number, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}

_BIG: Final = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_NUMBER_WORD: Final = "|".join([*_ONES, *_TENS, *_BIG])

_DIGIT: Final = "|".join(list(_ONES)[:10])
_SCALE: Final = "|".join(word for word, factor in _BIG.items() if factor >= 1000)

# A number, and if it has decimals ("one point five"), those and a scale.
IN_WORDS: Final = re.compile(
    rf"\b(?:{_NUMBER_WORD})\b(?:(?:[ -]|[ -]and[ -])(?:{_NUMBER_WORD})\b){{0,8}}"
    rf"(?: point(?P<decimals>(?:[ -](?:{_DIGIT})\b){{1,6}})(?:[ -](?P<scale>{_SCALE})\b)?)?",
    re.IGNORECASE,
)

# "Figures in $ billion" has no number.
_IN_UNITS: Final = re.compile(r"(?:[$€£¥₹] ?|\b(?:[A-Z]{3}|in|per) )$")

VERBAL: Final = {"doubled": 2, "tripled": 3, "trebled": 3, "quadrupled": 4, "doubling": 2, "tripling": 3}

IN_A_VERB: Final = re.compile(rf"\b(?:{'|'.join(VERBAL)})\b", re.IGNORECASE)


def from_words(text: str, match: re.Match[str]) -> Figure | None:
    """A number in words, if a unit or a thousand makes a figure of it."""
    start, end = match.span()
    decimals = re.findall(r"\w+", (match["decimals"] or "").lower())
    scale = _BIG[match["scale"].lower()] if match["scale"] else 1
    words = re.split(r"[ -]+", match[0].lower().partition(" point")[0] if decimals else match[0].lower())
    if set(words) <= set(_BIG) and _IN_UNITS.search(text, max(0, start - 12), start):
        return None
    measure, unit_end, currency, points, cents = unit_after(text, end)
    # "At one point five people left" has no decimals.
    is_number = len(decimals) > 0 and words != ["one"]
    is_large = scale > 1 or any(_BIG.get(word, 0) >= 1000 for word in words)
    if measure is Measure.PLAIN and not is_number and not is_large:
        return None
    if words == ["one"] and not decimals and measure is Measure.CURRENCY:
        # "One euro buys 1.30 dollars" claims nothing about one.
        return None
    value = _value(words)
    if value is None or cents:
        return odd(start, unit_end, measure)
    step = Decimal(max(1, next((_BIG[word] for word in reversed(words) if word in _BIG), 1)))
    exact = Decimal(value)
    if decimals:
        step = Decimal(scale).scaleb(-len(decimals))
        exact = exact * scale + step * int("".join(str(_ONES[word]) for word in decimals))
    return Figure(
        start, unit_end, exact, measure, step, currency, bound_before(text, start), is_points=points
    )


def _value(words: list[str]) -> int | None:
    """The number; None if the words make none, as "twenty thirteen thousand"."""
    total = group = 0
    last = 10**15
    for word in words:
        if word == "and":
            continue
        if word in _ONES or word in _TENS:
            number = _ONES.get(word, _TENS.get(word, 0))
            if group % 100 and not (group % 10 == 0 and number < 10 and word in _ONES):
                return None
            group += number
        elif word == "hundred":
            if not 0 < group < 100:
                return None
            group *= 100
        else:
            if _BIG[word] >= last or not group:
                return None
            last = _BIG[word]
            total, group = total + group * last, 0
    return total + group
