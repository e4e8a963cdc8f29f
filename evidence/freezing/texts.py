"""Figures that stand in a person's sources: each is evidence for what it says, with its sentence and page."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from evidence.checker.binding import Context
from evidence.checker.claim import Claim, Role
from evidence.checker.figure import Figure, Measure
from evidence.checker.periods import Said
from evidence.checker.reading import read
from evidence.checker.text import plain, sentences
from evidence.checker.vocabulary import Vocabulary
from evidence.freezing.draft import MAX_ITEMS
from evidence.freezing.freeze import Found
from evidence.record import Unit

# The rest of a longer text is not looked at: about forty pages.
MAX_CHARACTERS: Final = 120_000
_MAX_SENTENCE: Final = 1_000
_UNITS: Final = {
    Measure.CURRENCY: Unit.CURRENCY,
    Measure.PERCENT: Unit.PERCENT,
    Measure.MULTIPLE: Unit.RATIO,
    Measure.PLAIN: Unit.COUNT,
}
_DOLLARS: Final = {"$": "USD"}


def found(name: str, text: str, pages: Sequence[int] = ()) -> Iterator[Found]:
    """The figures of a source whose metric is said with them, in order, at most MAX_ITEMS. `pages` are the offsets at
    which its pages begin."""
    words, context, count = Vocabulary.of((), {}), Context(), 0
    text = text[:MAX_CHARACTERS]
    for number, (start, end) in enumerate(sentences(text), start=1):
        sentence = text[start:end].strip()
        if len(sentence) > _MAX_SENTENCE or not any(character.isdigit() for character in sentence):
            continue
        reading = read(plain(sentence).text, words, context)
        context = reading.context
        page = f"page {bisect_right(pages, start)}, " if pages else ""
        for claim in reading.claims:
            if _is_statement(claim) and count < MAX_ITEMS:
                count += 1
                yield _found(claim, claim.figure, name, sentence, f"{page}sentence {number}")


def _is_statement(claim: Claim) -> bool:
    is_plain = claim.figure.is_understood and claim.role is Role.LEVEL and claim.metric is not None
    return is_plain and claim.is_bound and not claim.is_negated and claim.figure.measure in _UNITS


def _found(claim: Claim, figure: Figure, name: str, sentence: str, locator: str) -> Found:
    assert claim.metric is not None  # noqa: S101 (a statement has one)
    window = claim.metric.window
    return Found(
        subject=claim.subject or name,
        metric=claim.metric.family if window is None else f"{claim.metric.family}_{window}",
        period=_period(claim.period),
        value=figure.value,
        unit=_UNITS[figure.measure],
        currency=_DOLLARS.get(figure.currency or "", figure.currency),
        label=sentence[:300],
        source=name,
        locator=locator,
    )


def _period(said: Said | None) -> str:
    if said is None or said.period is None:
        return ""
    first, last = said.period.first, said.period.last
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
        return f"FY{first.year}" if said.period.is_fiscal else str(first.year)
    return first.isoformat() if first == last else f"{first.isoformat()}..{last.isoformat()}"
