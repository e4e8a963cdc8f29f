"""Decides figures that say by how much something changed."""

from collections.abc import Sequence

from evidence.checker import derivations
from evidence.checker.agreement import agrees, holds, is_near_miss, is_said, signed
from evidence.checker.claim import Claim
from evidence.checker.figure import Measure
from evidence.checker.index import Dated, Index, covers, years_before
from evidence.checker.levels import of_level
from evidence.checker.verdicts import UNSUPPORTED, Label, Verdict


def of_change(claim: Claim, subject: str, index: Index) -> Verdict:
    assert claim.metric is not None  # noqa: S101
    if claim.metric.family in {"close", "return"}:
        return of_price_change(claim, subject, index)
    series = index.series(subject, claim.metric)
    if series and claim.metric.family in {"return", "max_drawdown"}:
        return of_level(claim, subject, index)
    old, new = _ends(claim, series)
    if old is None or new is None:
        return of_level(claim, subject, index) if series and claim.direction == 0 else UNSUPPORTED
    candidates = [
        derived for derived in derivations.change(old.item, new.item) if is_said(claim.figure, derived)
    ]
    if claim.is_compound:
        rate = derivations.compound(old.item, new.item)
        candidates = [rate] if rate is not None else []
    if claim.figure.is_points:
        candidates = [derived for derived in candidates if "/" not in derived.formula]
    for derived in candidates:
        if agrees(claim.figure, signed(claim, derived.value)):
            return Verdict(Label.CONSISTENT, derived.evidence, formula=derived.formula)
    for derived in candidates:
        if holds(claim.figure, signed(claim, derived.value)):
            return Verdict(Label.CONSISTENT, derived.evidence, formula=derived.formula)
    is_clear = claim.may_be_wrong and len(candidates) == 1 and not claim.is_compound
    is_dated = claim.is_dated or claim.base is not None or len(series) == 2
    if is_clear and is_dated and not is_near_miss(claim.figure, signed(claim, candidates[0].value)):
        (derived,) = candidates
        return Verdict(Label.CONTRADICTED, derived.evidence, expected=derived.value, formula=derived.formula)
    return UNSUPPORTED


def _ends(claim: Claim, series: Sequence[Dated]) -> tuple[Dated | None, Dated | None]:
    """The two items that a change lies between."""
    if len(series) < 2:
        return None, None
    new = series[-1]
    if claim.period is not None and claim.period.undated is not None:
        # Which of the changes is meant is not said.
        return None, None
    if claim.period is not None and claim.period.period is not None:
        dated = [each for each in series if covers(claim.period.period, each.period)]
        if not dated:
            return None, None
        new = dated[-1]
    earlier = [each for each in series if each.period.last < new.period.last]
    if claim.base is not None and claim.base.period is not None:
        return next((each for each in earlier if covers(claim.base.period, each.period)), None), new
    if claim.base is not None or (claim.period is not None and claim.period.years_back):
        said = claim.base or claim.period
        return years_before((said.years_back if said else None) or 1, new, series), new
    return (earlier[-1] if earlier else None), new


def of_price_change(claim: Claim, subject: str, index: Index) -> Verdict:
    """A change of the price: one of the returns in the record."""
    window = claim.metric.window if claim.metric and claim.metric.family == "return" else None
    window = window or claim.window
    if claim.figure.measure is not Measure.PERCENT:
        return UNSUPPORTED
    fitting = index.returns(subject, window)
    if window is None and claim.period is not None and claim.period.period is not None:
        said = claim.period.period
        window = round((said.last - said.first).days * 252 / 365)
        fitting = [dated for dated in index.returns(subject, window) if said.holds(dated.period)]
    if claim.period is not None and claim.period.undated is not None:
        fitting = [
            dated for dated in fitting if claim.period.undated.holds(dated.period.first, dated.period.last)
        ]
    if window is not None and len(fitting) == 1:
        item = fitting[0].item
        value = signed(claim, item.value)
        if agrees(claim.figure, value):
            label = Label.MATCHED if claim.figure.digits > 1 else Label.CONSISTENT
            return Verdict(label, (item.id,))
        if claim.may_be_wrong and not is_near_miss(claim.figure, value) and not holds(claim.figure, value):
            return Verdict(Label.CONTRADICTED, (item.id,), expected=item.value)
        return UNSUPPORTED
    for dated in fitting:
        if agrees(claim.figure, signed(claim, dated.item.value)) and claim.figure.digits > 1:
            return Verdict(Label.CONSISTENT, (dated.item.id,))
    return UNSUPPORTED
