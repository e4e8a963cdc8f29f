"""The checker: the figures of a text, each with its label.

Steps: bring the text into one form; divide it into sentences; read what each sentence says about its figures; decide by
the record. One sentence takes about a millisecond.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from evidence.checker.binding import Context
from evidence.checker.figure import Figure, Measure
from evidence.checker.index import Index
from evidence.checker.labels import decide
from evidence.checker.numbers import spans
from evidence.checker.reading import Reading, read
from evidence.checker.tables import Table
from evidence.checker.text import Plain, plain, sentences
from evidence.checker.verdicts import Label, Verdict
from evidence.checker.vocabulary import Vocabulary
from evidence.record import Snapshot
from evidence.record import plain as decimal_text

# Changes with every rule, word or number below: a label is only comparable with those of the same version.
VERSION: Final = "11"
MAX_FIGURES: Final = 200
# A longer sentence is none: its figures are not checked.
MAX_SENTENCE: Final = 2_000


@dataclass(frozen=True)
class Checked:
    """A figure of a text. `start` and `end` count code points; `value` is in base units; `unit` is one of currency,
    percent, bp, multiple, plain. `expected` is the record's value where it contradicts."""

    start: int
    end: int
    text: str
    value: Decimal
    unit: str
    label: Label
    evidence: tuple[str, ...] = ()
    expected: Decimal | None = None
    formula: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "value": None if self.label is Label.UNCHECKED and not self.value else decimal_text(self.value),
            "unit": self.unit,
            "label": str(self.label),
            "evidence": list(self.evidence),
            "expected": None
            if self.expected is None
            else decimal_text(self.expected.quantize(Decimal("0.0001"))),
            "formula": self.formula,
        }


class Checker:
    """Checks the sentences of one message after the other; make one a message."""

    def __init__(self, index: Index, words: Vocabulary) -> None:
        self._index = index
        self._words = words
        self._context = Context()
        self._table = Table(words)
        self._count = 0

    def text(self, text: str) -> list[Checked]:
        """All figures of a whole message, in order."""
        return [figure for start, end in sentences(text) for figure in self.sentence(text[start:end], start)]

    def sentence(self, text: str, offset: int = 0) -> list[Checked]:
        """The figures of the next sentence, which begins at this offset of the message."""
        form = plain(text)
        if len(form.text) > MAX_SENTENCE or self._count >= MAX_FIGURES:
            return list(self._unchecked(text, offset))
        cells = self._table.cells(form.text)
        found: list[Checked] = []
        if cells is None:
            reading = read(form.text, self._words, self._context)
            self._context = reading.context
            for figure, verdict in self._decided(reading):
                found.append(_checked(figure, verdict, (figure.start, figure.end), form, text, offset))
        for cell in cells or ():
            for figure, verdict in self._decided(read(cell.sentence, self._words, self._context)):
                if figure.end > cell.start:
                    judged = cell.judged(figure, verdict)
                    found.append(_checked(figure, judged, cell.span(figure), form, text, offset))
        return found

    def _decided(self, reading: Reading) -> Iterator[tuple[Figure, Verdict]]:
        for claim in reading.claims:
            self._count += 1
            is_checked = self._count <= MAX_FIGURES
            yield claim.figure, decide(claim, self._index) if is_checked else Verdict(Label.UNCHECKED)
        for figure in reading.rest:
            self._count += 1
            yield figure, Verdict(Label.UNCHECKED)

    def _unchecked(self, text: str, offset: int) -> Iterator[Checked]:
        form = plain(text)
        for span in spans(form.text):
            start, end = form.original(*span)
            yield Checked(
                offset + start,
                offset + end,
                text[start:end],
                Decimal(0),
                Measure.PLAIN.value,
                Label.UNCHECKED,
            )


def _checked(
    figure: Figure, verdict: Verdict, place: tuple[int, int], form: Plain, text: str, offset: int
) -> Checked:
    start, end = form.original(*place)
    return Checked(
        offset + start, offset + end, text[start:end], figure.value, figure.measure.value,
        verdict.label, verdict.evidence, verdict.expected, verdict.formula,
    )  # fmt: skip


def prepare(snapshot: Snapshot) -> tuple[Index, Vocabulary]:
    """What a Checker needs of a snapshot; make it once a run."""
    subjects: dict[str, Sequence[str]] = {item.subject: () for item in snapshot.items}
    if snapshot.instrument is not None:
        subjects[snapshot.instrument.symbol] = (snapshot.instrument.name, *snapshot.instrument.names)
    return Index(snapshot), Vocabulary.of((item.metric for item in snapshot.items), subjects)


def check(text: str, snapshot: Snapshot) -> list[Checked]:
    """All figures of a text, in order."""
    return Checker(*prepare(snapshot)).text(text)
