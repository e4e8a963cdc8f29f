"""The closed list of operations that make a figure of the record's items. Nothing else is derived."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from evidence.checker.figure import Measure
from evidence.checker.periods import recorded
from evidence.record import Item, Unit

# Shares of one metric in another that have a name of their own.
MARGINS: Final = {
    "gross_margin": ("gross_profit", "revenue"),
    "operating_margin": ("operating_income", "revenue"),
    "net_margin": ("net_income", "revenue"),
    "payout_ratio": ("dividend", "eps"),
    "dividend_yield": ("dividend", "close"),
    "earnings_yield": ("eps", "close"),
    "roe": ("net_income", "equity"),
    "roa": ("net_income", "total_assets"),
}
RATIOS: Final = {"pe": ("close", "eps"), "debt_to_equity": ("total_debt", "equity")}


@dataclass(frozen=True)
class Derived:
    """A value that follows from the items named; `formula` is for people."""

    value: Decimal
    measure: Measure
    evidence: tuple[str, ...]
    formula: str


def change(old: Item, new: Item) -> Iterator[Derived]:
    """How much one item changed to another: per cent, and the difference in its unit."""
    evidence = (new.id, old.id)
    if new.unit is Unit.PERCENT:
        points = new.value - old.value
        yield Derived(points, Measure.PERCENT, evidence, f"{new.id} - {old.id}")
        yield Derived(points * 100, Measure.BP, evidence, f"({new.id} - {old.id}) * 100")
    else:
        measure = Measure.CURRENCY if new.unit is Unit.CURRENCY else Measure.PLAIN
        yield Derived(new.value - old.value, measure, evidence, f"{new.id} - {old.id}")
    if old.value > 0:
        yield Derived(new.value / old.value, Measure.MULTIPLE, evidence, f"{new.id} / {old.id}")
        yield Derived(
            (new.value / old.value - 1) * 100, Measure.PERCENT, evidence, f"({new.id} / {old.id} - 1) * 100"
        )


def ratio(part: Item, whole: Item) -> Iterator[Derived]:
    """One item in parts of another: per cent, and times."""
    if whole.value and part.unit is whole.unit and part.currency == whole.currency:
        evidence = (part.id, whole.id)
        yield Derived(
            part.value / whole.value * 100, Measure.PERCENT, evidence, f"{part.id} / {whole.id} * 100"
        )
        yield Derived(part.value / whole.value, Measure.MULTIPLE, evidence, f"{part.id} / {whole.id}")
        yield Derived(part.value / whole.value, Measure.PLAIN, evidence, f"{part.id} / {whole.id}")


def distance(value: Item, reference: Item) -> Derived | None:
    """How far one item is from another, in per cent of that other."""
    if reference.value <= 0 or value.unit is not reference.unit:
        return None
    return Derived(
        (value.value / reference.value - 1) * 100,
        Measure.PERCENT,
        (value.id, reference.id),
        f"({value.id} / {reference.id} - 1) * 100",
    )


def compound(old: Item, new: Item) -> Derived | None:
    """The yearly rate at which one item grew to another."""
    first, last = recorded(old.period), recorded(new.period)
    if first is None or last is None or old.value <= 0 or new.value <= 0:
        return None
    years = round((last.last - first.last).days / 365.25)
    if years < 2:
        return None
    rate = (Decimal(float(new.value / old.value) ** (1 / years)) - 1) * 100
    formula = f"(({new.id} / {old.id}) ^ (1 / {years}) - 1) * 100"
    return Derived(rate, Measure.PERCENT, (new.id, old.id), formula)


def of_pair(one: Item, other: Item) -> Iterator[Derived]:
    """All that two cited items make, in either order."""
    for first, second in ((one, other), (other, one)):
        yield from ratio(first, second)
        if first.unit is second.unit and first.currency == second.currency:
            yield from change(first, second)
        if (rate := compound(first, second)) is not None:
            yield rate
