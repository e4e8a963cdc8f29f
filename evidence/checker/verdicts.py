"""What a figure is worth, by the record."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Label(StrEnum):
    """What a figure is worth, by the record."""

    MATCHED = "matched"
    DERIVED = "derived"
    CONSISTENT = "consistent"
    CONTRADICTED = "contradicted"
    UNSUPPORTED = "unsupported"
    ASSUMPTION = "assumption"
    UNCHECKED = "unchecked"


@dataclass(frozen=True)
class Verdict:
    """A figure's label and why: the items, the record's own value where it differs, and how a value is derived."""

    label: Label
    evidence: tuple[str, ...] = ()
    expected: Decimal | None = None
    formula: str | None = None


UNSUPPORTED: Final = Verdict(Label.UNSUPPORTED)
