"""Decides figures that state a value of the record, or a ratio with a name of its own."""

from collections.abc import Sequence

from evidence.checker.agreement import TELLING_DIGITS, agrees, as_said, has_unit, holds, is_near_miss, is_said
from evidence.checker.claim import Claim, Role
from evidence.checker.derivations import MARGINS, RATIOS
from evidence.checker.figure import Bound, Measure
from evidence.checker.index import Dated, Index, covers, years_before
from evidence.checker.relations import consistent, ratios
from evidence.checker.verdicts import UNSUPPORTED, Label, Verdict
from evidence.checker.vocabulary import Metric
from evidence.record import Unit


def of_level(claim: Claim, subject: str, index: Index) -> Verdict:
    assert claim.metric is not None  # noqa: S101
    everything = index.series(subject, claim.metric)
    series = [dated for dated in everything if has_unit(claim.figure, dated.item)]
    chosen = _at(claim, series)
    if chosen is None:
        return _in_another_currency(claim, everything)
    item, value = chosen.item, as_said(claim, chosen.item)
    if agrees(claim.figure, value):
        if claim.is_bound or claim.figure.digits >= TELLING_DIGITS:
            return Verdict(Label.MATCHED, (item.id,))
        return Verdict(Label.CONSISTENT, (item.id,))
    if holds(claim.figure, value):
        return Verdict(Label.CONSISTENT, (item.id,))
    if _may_be_red(claim, series) and not is_near_miss(claim.figure, value):
        return Verdict(Label.CONTRADICTED, (item.id,), expected=item.value)
    return UNSUPPORTED


def _in_another_currency(claim: Claim, series: Sequence[Dated]) -> Verdict:
    """The record's number in a currency that it is not in."""
    chosen = _at(claim, series)
    if (
        chosen is None
        or claim.figure.measure is not Measure.CURRENCY
        or chosen.item.unit is not Unit.CURRENCY
    ):
        return UNSUPPORTED
    if claim.may_be_wrong and agrees(claim.figure, chosen.item.value):
        return Verdict(Label.CONTRADICTED, (chosen.item.id,), expected=chosen.item.value)
    return UNSUPPORTED


def _may_be_red(claim: Claim, series: Sequence[Dated]) -> bool:
    if not claim.may_be_wrong or claim.is_from:
        return False
    if claim.metric is not None and claim.metric.family == "rsi" and claim.figure.bound is not Bound.EXACT:
        # "An RSI above 70" is how people say overbought.
        return False
    if claim.period is not None and (not claim.is_dated or claim.period.undated is not None):
        return False
    # The value of another period is said of no period: not wrong enough.
    return claim.period is not None or not any(
        agrees(claim.figure, as_said(claim, dated.item)) for dated in series
    )


def _at(claim: Claim, series: Sequence[Dated]) -> Dated | None:
    """The item of the period that is said; without one the newest, or the one before it after "from"."""
    if not series:
        return None
    said = claim.period
    if said is None or said.years_back == 0:
        if claim.is_from:
            return series[-2] if len(series) > 1 else None
        return series[-1]
    if said.period is not None:
        return next((dated for dated in reversed(series) if covers(said.period, dated.period)), None)
    if said.undated is not None:
        return next(
            (
                dated
                for dated in reversed(series)
                if said.undated.holds(dated.period.first, dated.period.last)
            ),
            None,
        )
    return years_before(said.years_back or 1, series[-1], series)


def of_ratio(claim: Claim, subject: str, index: Index) -> Verdict:
    """A margin or ratio that is not in the record itself."""
    assert claim.metric is not None  # noqa: S101
    operands = {**MARGINS, **RATIOS}.get(claim.metric.family)
    if claim.metric.family == "gross_margin" and index.series(subject, claim.metric):
        return UNSUPPORTED
    if operands is None:
        return UNSUPPORTED
    found = list(ratios(subject, Metric(operands[0]), Metric(operands[1]), index, claim.period))
    if (allowed := consistent(claim, found)) is not None:
        return allowed
    fitting = [derived for derived in found if is_said(claim.figure, derived)]
    is_clear = claim.may_be_wrong and claim.role is Role.LEVEL and not claim.is_from
    is_clear = is_clear and (claim.period is None or claim.period.undated is None)
    if (
        is_clear
        and len(fitting) == 1
        and not is_near_miss(claim.figure, fitting[0].value)
        and not holds(claim.figure, fitting[0].value)
    ):
        return Verdict(
            Label.CONTRADICTED, fitting[0].evidence, expected=fitting[0].value, formula=fitting[0].formula
        )
    return UNSUPPORTED
