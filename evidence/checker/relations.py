"""Decides figures that relate one metric to another: shares, distances, multiples."""

from collections.abc import Iterable, Iterator

from evidence.checker import derivations
from evidence.checker.agreement import agrees, is_near_miss, is_said
from evidence.checker.claim import Claim
from evidence.checker.derivations import Derived
from evidence.checker.figure import Bound, Measure
from evidence.checker.index import Index, covers, subject_of
from evidence.checker.periods import Said
from evidence.checker.verdicts import UNSUPPORTED, Label, Verdict
from evidence.checker.vocabulary import Metric


def of_relation(claim: Claim, index: Index) -> Verdict:
    """Per cents below or above another metric, or times it."""
    assert claim.other is not None  # noqa: S101
    subject = subject_of(claim, claim.other, index)
    if subject is None:
        return UNSUPPORTED
    if claim.figure.measure is Measure.MULTIPLE:
        return _times(claim, subject, index)
    reference = index.series(subject, claim.other)
    metric = (
        claim.metric
        if claim.metric and claim.metric != claim.other and index.series(subject, claim.metric)
        else Metric("close")
    )
    value = index.series(subject, metric)
    if not reference or not value:
        return UNSUPPORTED
    derived = derivations.distance(value[-1].item, reference[-1].item)
    if derived is None:
        return UNSUPPORTED
    said = claim.figure.value * claim.direction
    if agrees(claim.figure, abs(derived.value)) and (derived.value < 0) == (said < 0):
        return Verdict(Label.CONSISTENT, derived.evidence, formula=derived.formula)
    if (
        claim.is_negated
        or claim.period is not None
        or metric.family != "close"
        or is_near_miss(claim.figure, abs(derived.value))
    ):
        return UNSUPPORTED
    if claim.figure.bound is not Bound.EXACT and (derived.value < 0) == (said < 0):
        return UNSUPPORTED
    return Verdict(Label.CONTRADICTED, derived.evidence, expected=derived.value, formula=derived.formula)


def _times(claim: Claim, subject: str, index: Index) -> Verdict:
    assert claim.other is not None  # noqa: S101
    pairs: list[tuple[Metric, Metric]] = []
    if claim.other.family in {"net_income", "eps"}:
        pairs.append((Metric("close"), Metric("eps")))
    elif claim.other.family in {"sma", "avg_volume"} and claim.metric and claim.metric.family == "volume":
        pairs.append((Metric("volume"), Metric("avg_volume", claim.other.window)))
    elif claim.metric is not None:
        pairs.append((claim.metric, claim.other))
    derived = (each for first, second in pairs for each in ratios(subject, first, second, index))
    return consistent(claim, derived) or UNSUPPORTED


def of_share(claim: Claim, index: Index) -> Verdict:
    if claim.metric is None or claim.other is None or claim.metric == claim.other:
        return UNSUPPORTED
    subject = subject_of(claim, claim.metric, index)
    if subject is None:
        return UNSUPPORTED
    return consistent(claim, ratios(subject, claim.metric, claim.other, index, claim.period)) or UNSUPPORTED


def consistent(claim: Claim, candidates: Iterable[Derived]) -> Verdict | None:
    """That one of the values agrees with the figure, which does not prove it; None if none does."""
    for derived in candidates:
        if is_said(claim.figure, derived) and agrees(claim.figure, derived.value):
            return Verdict(Label.CONSISTENT, derived.evidence, formula=derived.formula)
    return None


def ratios(
    subject: str, first: Metric, second: Metric, index: Index, said: Said | None = None
) -> Iterator[Derived]:
    """The ratio of two metrics of the same time: of the period that is said, else the newest."""
    parts, wholes = index.series(subject, first), index.series(subject, second)
    if said is not None and said.period is not None:
        parts = [dated for dated in parts if covers(said.period, dated.period)]
        wholes = [dated for dated in wholes if covers(said.period, dated.period)]
    if parts and wholes:
        part, whole = parts[-1], wholes[-1]
        is_price = part.period.first == part.period.last
        if is_price or part.period == whole.period:
            yield from derivations.ratio(part.item, whole.item)
