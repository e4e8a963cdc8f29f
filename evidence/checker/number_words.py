"""Figures in words: twenty-five per cent, ten times, doubled."""

import re
from decimal import Decimal
from typing import Final

from evidence.checker.figure import Bound, Figure, Measure
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

_COUNTS: Final = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4}
_DIGIT: Final = "|".join(list(_ONES)[:10])
_SCALE: Final = "|".join(word for word, factor in _BIG.items() if factor >= 1000)

_PARTS: Final = {
    "half": Decimal("0.5"),
    "third": Decimal(1) / 3,
    "quarter": Decimal("0.25"),
    "fifth": Decimal("0.2"),
}
_PART: Final = rf"(?:{'|'.join(_PARTS)})s?"

# A number; its decimals ("one point five") or its fraction ("two and a half"); and after those a scale.
IN_WORDS: Final = re.compile(
    rf"\b(?P<number>(?:{_NUMBER_WORD})\b(?:(?:[ -]|[ -]and[ -])(?:{_NUMBER_WORD})\b(?![ -]{_PART}\b)){{0,8}})"
    rf"(?:(?: point(?P<decimals>(?:[ -](?:{_DIGIT})\b){{1,6}})"
    rf"|[ -]and[ -](?P<count>a|one|two|three)[ -](?P<part>{_PART})\b)(?:[ -](?P<scale>{_SCALE})\b)?)?",
    re.IGNORECASE,
)

# "Half a per cent"; "a quarter of revenue [E1, E2]", which is a figure because it cites both.
PART: Final = re.compile(
    rf"\b(?:(?P<count>a|one|two|three|four)[ -])?(?P<part>{_PART})\b"
    r"(?: (?:of )?a(?=[ -]per)|(?= of [^.;:\d\[\]]{2,40}\[E\d{1,5}(?:\s*[,;&]\s*|\]\s?\[)E\d))",
    re.IGNORECASE,
)

# "Figures in $ billion" has no number.
_IN_UNITS: Final = re.compile(r"(?:[$€£¥₹] ?|\b(?:[A-Z]{3}|in|per) )$")

_VERBS: Final = {
    "doubled": "2", "doubling": "2", "tripled": "3", "trebled": "3", "tripling": "3", "quadrupled": "4",
    "halved": "0.5",
}  # fmt: skip

IN_A_VERB: Final = re.compile(rf"\b(?:{'|'.join(_VERBS)})\b(?! down\b)", re.IGNORECASE)


def from_verb(text: str, match: re.Match[str]) -> Figure:
    """How many times as large something became: true within a tenth."""
    value = Decimal(_VERBS[match[0].lower()])
    bound = bound_before(text, match.start())
    return Figure(
        *match.span(), value, Measure.MULTIPLE, value / 5, bound=Bound.ABOUT if bound is Bound.EXACT else bound,
        is_change=True,
    )  # fmt: skip


def from_part(text: str, match: re.Match[str]) -> Figure | None:
    """A part of one per cent, or roughly how many per cent of something."""
    start, end = match.span()
    value = _COUNTS[(match["count"] or "a").lower()] * _PARTS[match["part"].lower().rstrip("s")]
    bound = bound_before(text, start)
    if match[0].endswith("a"):
        measure, end, currency, points, _ = unit_after(text, end)
        return Figure(start, end, value, measure, Decimal("0.1"), currency, bound, is_points=points)
    return (
        Figure(start, end, round(value * 100, 1), Measure.PERCENT, Decimal(4), bound=bound)
        if value < 1
        else None
    )


def from_words(text: str, match: re.Match[str]) -> Figure | None:
    """A number in words, if a unit or a thousand makes a figure of it."""
    start, end = match.span()
    decimals = re.findall(r"\w+", (match["decimals"] or "").lower())
    scale = _BIG[match["scale"].lower()] if match["scale"] else 1
    words = re.split(r"[ -]+", match["number"].lower())
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
    if match["part"]:
        step = _PARTS[match["part"].lower().rstrip("s")] * scale
        exact = exact * scale + step * _COUNTS[match["count"].lower()]
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
