"""The labelled set: sentences whose figures were labelled by hand, and how well the checker agrees with them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from evidence.checker.check import Checked, check
from evidence.checker.verdicts import Label
from evidence.record import Snapshot, load

FOLDER: Final = Path(__file__).parent
SNAPSHOTS: Final = {
    "aapl-2012": FOLDER.parent / "aapl-2012.json",
    "ibm-2008": FOLDER / "ibm-2008.json",
    "msft-2011": FOLDER / "msft-2011.json",
    "euro-2026": FOLDER / "euro-2026.json",
}
GREEN: Final = frozenset((Label.MATCHED, Label.DERIVED))
RED: Final = frozenset((Label.CONTRADICTED,))


@dataclass(frozen=True)
class Labelled:
    """A figure as a person reads it. `labels` are all that are right; `value` does not count where one is UNCHECKED."""

    start: int
    text: str
    value: Decimal
    unit: str
    labels: frozenset[Label]

    def is_found(self, checked: Checked) -> bool:
        overlaps = checked.start < self.start + len(self.text) and self.start < checked.end
        if not overlaps or Label.UNCHECKED in self.labels:
            return overlaps
        return checked.value == self.value and checked.unit == self.unit


@dataclass(frozen=True)
class Text:
    snapshot: str
    text: str
    figures: tuple[Labelled, ...]


@dataclass
class Scores:
    """Shares between 0 and 1. `wrong` are lines about labels that are not right, `lost` about figures that were not
    found, or found where there is none."""

    labelled: int = 0
    found: int = 0
    hits: int = 0
    right: int = 0
    greens: list[bool] = field(default_factory=list)
    reds: list[bool] = field(default_factory=list)
    green_hits: list[bool] = field(default_factory=list)
    red_hits: list[bool] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def shares(self) -> dict[str, float]:
        return {
            "extraction recall": self.hits / self.labelled,
            "extraction precision": self.hits / self.found,
            "green precision": _share(self.greens),
            "green recall": _share(self.green_hits),
            "red precision": _share(self.reds),
            "red recall": _share(self.red_hits),
            "right labels": self.right / self.labelled,
        }


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 1.0


@cache
def snapshot(name: str) -> Snapshot:
    return load(json.loads(SNAPSHOTS[name].read_text(encoding="utf-8")))


def texts(*, held_out: bool) -> Iterator[Text]:
    """The texts that rules were tuned on, or those that were held out."""
    for name in SNAPSHOTS:
        part = "held-out" if held_out else "sentences"
        for row in json.loads((FOLDER / f"{name}.{part}.json").read_text(encoding="utf-8")):
            yield Text(name, row["text"], tuple(map(_labelled, row["figures"])))


def _labelled(row: dict[str, object]) -> Labelled:
    also = row.get("also", [])
    assert isinstance(also, list)
    labels = frozenset(Label(str(each)) for each in (row["label"], *also))
    return Labelled(
        int(str(row["start"])), str(row["text"]), Decimal(str(row["value"])), str(row["unit"]), labels
    )


def score(chosen: Iterable[Text]) -> Scores:
    scores = Scores()
    for each in chosen:
        _compare(each, check(each.text, snapshot(each.snapshot)), scores)
    return scores


def _compare(text: Text, found: Sequence[Checked], scores: Scores) -> None:
    place = f"{text.snapshot}: {text.text[:100]!r}"
    scores.labelled += len(text.figures)
    scores.found += len(found)
    rest = list(found)
    for figure in text.figures:
        checked = next((each for each in rest if figure.is_found(each)), None)
        if checked is None:
            scores.lost.append(f"not found: {figure.text} in {place}")
            continue
        rest.remove(checked)
        scores.hits += 1
        _count(figure, checked, scores, place)
    for checked in rest:
        scores.lost.append(f"is no figure, or another: {checked.text} = {checked.value} in {place}")
        if checked.label in GREEN:
            scores.greens.append(False)
        if checked.label in RED:
            scores.reds.append(False)


def _count(figure: Labelled, checked: Checked, scores: Scores, place: str) -> None:
    is_right = checked.label in figure.labels
    scores.right += is_right
    if checked.label in GREEN:
        # A derived figure may be labelled as matched, and the other way round: both are the same green.
        is_right |= bool(figure.labels & GREEN)
        scores.greens.append(is_right)
    if checked.label in RED:
        scores.reds.append(is_right)
    if figure.labels <= GREEN:
        scores.green_hits.append(checked.label in GREEN)
    if figure.labels <= RED:
        scores.red_hits.append(checked.label in RED)
    if not is_right:
        wanted = " or ".join(sorted(figure.labels))
        scores.wrong.append(f"{checked.label}, not {wanted}: {figure.text} in {place}")
