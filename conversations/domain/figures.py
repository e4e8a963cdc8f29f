"""Checked figures and items of the record, in words. Pure.

What the labels say is as on the live page (frontend/src/transcript/figure-strip.ts).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evidence.record import Unit

Data = Mapping[str, Any]

# What each label says of one figure, and of several; worst last.
LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "matched": ("matches the record", "match the record"),
    "derived": ("follows from the record", "follow from the record"),
    "consistent": ("fits the record", "fit the record"),
    "assumption": ("is an assumption", "are assumptions"),
    "unchecked": ("was not checked", "were not checked"),
    "unsupported": ("is not in the record", "are not in the record"),
    "contradicted": ("contradicts the record", "contradict the record"),
}


def summary(figures: Sequence[Data]) -> str:
    """Such as "7 figures: 6 match the record, 1 contradicts the record."; "" without figures."""
    if not figures:
        return ""
    counts = Counter(figure["label"] for figure in figures)
    parts = [
        f"{counts[label]} {one if counts[label] == 1 else many}"
        for label, (one, many) in LABELS.items()
        if counts[label]
    ]
    return f"{len(figures)} {'figure' if len(figures) == 1 else 'figures'}: {', '.join(parts)}."


def finding(figure: Data) -> str:
    """What was found about one figure, such as "contradicts the record, which has 47.0097 (E10)"."""
    says, _ = LABELS.get(figure["label"], (figure["label"], ""))
    value = "" if figure["expected"] is None else f", which has {figure['expected']}"
    where = figure["formula"] or ", ".join(figure["evidence"])
    return f"{says}{value} ({where})" if where else f"{says}{value}"


def note(figures: Sequence[Data]) -> str:
    """The summary of a message's figures, and what is wrong with those that contradict the record; "" without any."""
    wrong = [
        f"{figure['text']} {finding(figure)}." for figure in figures if figure["label"] == "contradicted"
    ]
    return " ".join([summary(figures), *wrong]) if figures else ""


def item(data: Data) -> str:
    """An item of the record, such as "AAPL close, 2012-12-31: 532.1729 USD"."""
    period = f", {data['period']}" if data["period"] else ""
    value = f"{data['value']}{unit(data['unit'], data['currency'])}"
    return f"{data['subject']} {data['metric']}{period}: {value}".rstrip()


def unit(kind: str, currency: str | None) -> str:
    """What follows the value of an item: " %", " USD", or nothing."""
    units: Mapping[str, str] = {Unit.PERCENT: " %", Unit.CURRENCY: f" {currency or ''}"}
    return units.get(kind, "")
