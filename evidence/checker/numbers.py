"""The grammar of figures: what stands in a text, its value in base units, and how exactly it is stated.

English notation is read; a figure in another one (44,6 %; 1.234,56; 1'234; lakh; Chinese units) is found, and marked as
not understood, because guessing its value would be worse.
"""

import re
from bisect import bisect_right
from dataclasses import replace
from decimal import Decimal
from typing import Final

from evidence.checker.figure import Figure, Measure
from evidence.checker.masks import masked
from evidence.checker.notation import (
    CODES,
    FOREIGN_SCALE,
    SYMBOLS,
    WINDOW,
    bound_before,
    iso,
    odd,
    scale_after,
    unit_after,
)
from evidence.checker.number_words import IN_A_VERB, IN_WORDS, PART, from_part, from_verb, from_words
from evidence.checker.text import ODD_DIGIT

# Counts up to this claim nothing.
SMALL: Final = 12

_NUMERAL: Final = re.compile(r"\d(?:[\d.,'’\u066b\u066c]*\d)?(?: \d{3}(?!\d)(?:[.,]\d+)?)*")

_ENGLISH: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?")

_BEFORE: Final = re.compile(
    # An en dash is one that touches its number and nothing before it.
    rf"(?P<sign>(?<![\w)%])[+-] ?|(?:^|(?<=[\s(]))–|\b(?:[Mm]inus|[Pp]lus) )?"
    rf"(?:(?:(?P<symbol>US\$|AU?\$|CA?\$|HK\$|S\$|NZ\$|R\$|NT\$|[$€£¥₹₩₺₽₪])"
    # Not the second of a pair: "EUR/USD 1.12".
    rf"|(?<!/)\b(?P<code>{CODES}))[  ]?(?P<inner>[+-])?(?P<open>\()?)?(?P<point>\.)?$"
)

_POINTS: Final = re.compile(r"[  -]points?\b")
# A bracket after one of these is a minus, as in accounts: "the return was (6.8%)". After a name, as in "the average
# ($607.78)", it only adds the value.
_STATED: Final = re.compile(
    r"(?:\b(?:is|was|are|were|of|at|to|by|reached|posted|reported|recorded|showed|shows|totall?ed)|[:=|]) ?\($",
    re.IGNORECASE,
)
_RANGE: Final = re.compile(r" ?(?:-|–|(?<! )—(?! )| to | and | or ) ?(?:[$€£¥] ?)?$")


def figures(text: str) -> list[Figure]:
    """The figures of a normalised text, in order."""
    masks = masked(text)
    starts = [start for start, _ in masks]

    def is_masked(place: int) -> bool:
        at = bisect_right(starts, place) - 1
        return at >= 0 and place < masks[at][1]

    found = [
        figure
        for match in _NUMERAL.finditer(text)
        if not is_masked(match.start()) and (figure := _figure(text, match)) is not None
    ]
    # A bracket closes after the last word.
    taken = {figure.end - (text[figure.end - 1] == ")") for figure in found}
    found += [
        figure
        for match in IN_WORDS.finditer(text)
        if match.end() not in taken
        and (figure := from_words(text, match)) is not None
        and figure.end not in taken
    ]
    found += [from_verb(text, match) for match in IN_A_VERB.finditer(text)]
    found += [figure for match in PART.finditer(text) if (figure := from_part(text, match)) is not None]
    found = _without_overlaps(found)
    return [figure for figure in _of_ranges(text, found) if not _is_no_claim(text, figure)]


def _without_overlaps(found: list[Figure]) -> list[Figure]:
    """In order; of those that overlap the first: a power of ten is part of its figure."""
    kept: list[Figure] = []
    for figure in sorted(found, key=lambda figure: figure.start):
        if not kept or figure.start >= kept[-1].end:
            kept.append(figure)
    return kept


def spans(text: str) -> list[tuple[int, int]]:
    """Where numbers stand that are not looked at closely, because there are too many."""
    return [
        match.span()
        for match in _NUMERAL.finditer(text)
        if len(match[0]) > 2 or text[match.end() : match.end() + 1] == "%"
    ]


def _figure(text: str, match: re.Match[str]) -> Figure | None:
    start, end = match.span()
    numeral = match[0]
    if " " in numeral and (groups := numeral.split(" "))[0] and len(groups[0]) > 3:
        # No thousands: "2012 156" are two numbers, of which the next match takes the second.
        end = start + len(groups[0])
        numeral = groups[0]
    window = text[max(0, start - WINDOW) : start]
    before = _BEFORE.search(window)
    assert before is not None  # noqa: S101 (all of it is optional)
    if _is_part_of_a_word(window, before):
        return None
    is_understood = (
        _ENGLISH.fullmatch(numeral) is not None and ODD_DIGIT not in text[max(0, start - 1) : end + 1]
    )
    if before["point"] and not (is_understood and numeral.isdigit()):
        return None
    first = (
        start - len(before[0])
        if before["sign"] or before["symbol"] or before["code"] or before["inner"]
        else start
    )
    first = start - 1 if before["point"] and first == start else first
    # "(6.8)%", as accounts write a minus.
    is_wrapped = first == start and text[start - 1 : start] == "(" and text.startswith(")%", end)
    is_closed = is_wrapped or (before["open"] is not None and text[end : end + 1] == ")")
    first -= is_wrapped
    scale, end = scale_after(text, end + is_closed)
    if foreign := FOREIGN_SCALE.match(text, end):
        return odd(first, foreign.end())
    measure, end, currency, points, cents = unit_after(text, end)
    if before["symbol"] or before["code"]:
        if measure is not Measure.PLAIN and measure is not Measure.CURRENCY:
            is_understood = False
        measure = Measure.CURRENCY
        currency = SYMBOLS.get(before["symbol"] or "", None) or iso(before["code"])
    if not is_understood:
        return odd(first, end, measure)
    if before["open"] and not is_closed:
        if text[end : end + 1] != ")":
            return None
        end += 1
    if end < len(text) and (text[end].isalpha() or text[end] == "_"):
        return None
    if measure is Measure.PLAIN and (written := _POINTS.match(text, end)) and not _is_small(numeral):
        points, end = True, written.end()
    digits = numeral.replace(",", "")
    digits = f".{digits}" if before["point"] else digits
    value, decimals = Decimal(digits), len(digits.partition(".")[2])
    factor = Decimal(scale) / (100 if cents else 1)
    sign = before["sign"] or before["inner"] or ""
    is_negative = is_wrapped or before["open"] is not None or sign.lower().startswith(("-", "–", "minus"))
    is_signed = is_wrapped or bool(sign or before["open"])
    if not is_signed and text[end : end + 1] == ")" and _STATED.search(text, max(0, first - WINDOW), first):
        is_negative = is_signed = True
        first, end = first - 1, end + 1
    return Figure(
        first, end, value * factor * (-1 if is_negative else 1), measure, factor.scaleb(-decimals), currency,
        bound_before(text, first), is_signed, points, scale=scale,
    )  # fmt: skip


def _is_part_of_a_word(window: str, before: re.Match[str]) -> bool:
    """Whether a letter or hyphenated word touches the number, as in COVID-19 or B2."""
    rest = window[: before.start()]
    if not rest or (before.end() != before.start() and before["symbol"] and not before["sign"]):
        return bool(rest) and before["symbol"] == "$" and rest[-1].isalpha() and not rest[-1].isspace()
    if before["code"]:
        return False
    last = rest[-1]
    if last in "-–" and not before[0].strip():
        return len(rest) > 1 and rest[-2].isalpha() and not rest.endswith(("sub-", "mid-"))
    if before["inner"] and not before["sign"] and not before["symbol"]:
        return last.isalpha()
    return (last.isalpha() or last in "_/") and not before[0].startswith((" ", "\u00a0"))


def _is_small(written: str) -> bool:
    return written.isdigit() and int(written) <= SMALL


def _is_no_claim(text: str, figure: Figure) -> bool:
    """Small counts, years, and numbers that are part of a word, such as 4K."""
    written = text[figure.start : figure.end]
    if figure.measure is not Measure.PLAIN or not figure.is_understood:
        return False
    if written.isdigit() and (figure.value <= SMALL or 1900 <= figure.value <= 2100):
        return True
    if written[:-1].isdigit() and written[-1] in "kK" and figure.value <= 12_000:
        return True
    after = text[figure.end : figure.end + 2]
    return written.isdigit() and len(after) == 2 and after[0] in "-/" and after[1].isalpha()


def _of_ranges(text: str, found: list[Figure]) -> list[Figure]:
    """Ends of ranges share their units: 10-12 % is 10 % to 12 %, $10-12bn is $10bn to $12bn."""
    for at in range(len(found) - 1):
        first, second = found[at], found[at + 1]
        between = text[first.end : second.start]
        if len(between) > 6 or not (first.is_understood and second.is_understood):
            continue
        if not (_RANGE.fullmatch(between) or (between in {"-", "–", ""} and second.is_signed)):
            continue
        is_dashed = between.strip() not in {"to", "and", "or"}
        if second.scale > 1 == first.scale and first.value < second.value / second.scale:
            first = replace(first, value=first.value * second.scale, step=first.step * second.scale)
        if first.measure is Measure.PLAIN and second.measure is not Measure.PLAIN:
            first = replace(
                first, measure=second.measure, currency=second.currency, is_points=second.is_points
            )
        elif first.measure is Measure.CURRENCY and second.measure is Measure.PLAIN and is_dashed:
            second = replace(second, measure=first.measure, currency=first.currency)
        found[at], found[at + 1] = first, second
    return found
