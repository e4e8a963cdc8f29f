"""Whether a figure states a value: units, signs, and the tolerance of its digits and words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from evidence.checker.claim import Claim
from evidence.checker.derivations import Derived
from evidence.checker.figure import Bound, Figure, Measure
from evidence.checker.vocabulary import MAGNITUDES, Metric
from evidence.record import Item, Unit

# Below as many digits a value agrees with the record by chance too often to be green where its words are far away.
TELLING_DIGITS: Final = 3

ABOUT: Final = Decimal("0.025")

_TENTH: Final = Decimal("0.1")

ONE_SIDED: Final = Decimal("0.05")

_UNITS: Final[Mapping[Measure, frozenset[Unit]]] = {
    Measure.CURRENCY: frozenset((Unit.CURRENCY,)),
    Measure.PERCENT: frozenset((Unit.PERCENT,)),
    Measure.BP: frozenset(),
    Measure.MULTIPLE: frozenset((Unit.RATIO,)),
    Measure.PLAIN: frozenset((Unit.COUNT, Unit.INDEX, Unit.RATIO)),
}


def has_unit(figure: Figure, item: Item) -> bool:
    if figure.is_points:
        return False
    if item.unit not in _UNITS[figure.measure]:
        # A rate of exchange, and a price, are given without their currency as well.
        is_bare = figure.measure is Measure.PLAIN and item.unit in {Unit.CURRENCY, Unit.PERCENT}
        return is_bare and figure.digits >= TELLING_DIGITS
    return figure.currency in {None, item.currency} or (
        figure.currency == "$" and (item.currency or "").endswith("D")
    )


def as_said(claim: Claim, item: Item) -> Decimal:
    """The item's value in the way that the figure gives it."""
    family = Metric.parse(item.metric).family
    if family in MAGNITUDES and claim.figure.value >= 0:
        return abs(item.value)
    if family == "return" and claim.direction < 0:
        return signed(claim, item.value)
    return item.value


def is_opposite(claim: Claim, item: Item) -> bool:
    """Whether the words give a change the other sign than the item has."""
    return (
        claim.direction * item.value < 0
        and Metric.parse(item.metric).family == "return"
        and claim.figure.value > 0
        and not claim.figure.is_signed
    )


def is_of_another_span(claim: Claim, item: Item) -> bool:
    """Whether the words give a return another time than the item has."""
    metric = Metric.parse(item.metric)
    return metric.family == "return" and not metric.fits(Metric("return", claim.window))


def signed(claim: Claim, value: Decimal) -> Decimal:
    """The value as the figure would give it: "fell 18.9 %" is said of -18.9 without a minus."""
    return value * claim.direction if claim.direction and not claim.figure.is_signed else value


def is_said(figure: Figure, derived: Derived) -> bool:
    return derived.measure is figure.measure and not (
        figure.measure is Measure.PERCENT and figure.is_points and "/" in derived.formula
    )


def is_vague(figure: Figure) -> bool:
    """Too few digits for a derived figure to prove anything."""
    return figure.measure in {Measure.PERCENT, Measure.MULTIPLE} and figure.step > _TENTH


def agrees(figure: Figure, value: Decimal) -> bool:
    """Whether the figure states this value: to half a unit of its last digit, or as far as its words allow."""
    stated, half = figure.value, figure.step / 2
    gap = abs(stated - value)
    if figure.bound is Bound.ABOUT:
        return gap <= max(half, abs(value) * ABOUT)
    if figure.bound is Bound.ABOVE:
        return stated <= value + half and gap <= max(half, abs(value) * ONE_SIDED)
    if figure.bound is Bound.BELOW:
        return stated >= value - half and gap <= max(half, abs(value) * ONE_SIDED)
    return gap < half or (gap == half and abs(stated) > abs(value)) or gap == 0


def holds(figure: Figure, value: Decimal) -> bool:
    """Whether a figure that only bounds the value is true, though far from it."""
    if figure.bound is Bound.ABOVE:
        return value > figure.value
    return figure.bound is Bound.BELOW and value < figure.value


def is_near_miss(figure: Figure, value: Decimal) -> bool:
    """Truncated instead of rounded, or about right where "about" was said: not wrong enough for red."""
    if figure.bound is Bound.ABOUT:
        return abs(figure.value - value) <= abs(value) * 3 * ABOUT
    return abs(figure.value - value) < figure.step or holds(figure, value)
