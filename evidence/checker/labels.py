"""Decides what a figure is worth, from what is said with it and from the record.

A figure is green only if metric, subject and period agree, or if it cites its evidence; red only if the claim is stated
fully. All else is amber: unsupported, or consistent where the record allows it without proving it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from evidence.checker import derivations
from evidence.checker.agreement import (
    TELLING_DIGITS,
    agrees,
    as_said,
    has_unit,
    holds,
    is_near_miss,
    is_of_another_span,
    is_opposite,
    is_said,
    is_vague,
    signed,
)
from evidence.checker.changes import of_change, of_price_change
from evidence.checker.claim import Claim, Role
from evidence.checker.index import Index, covers, subject_of
from evidence.checker.levels import of_level, of_ratio
from evidence.checker.periods import recorded
from evidence.checker.relations import of_relation, of_share
from evidence.checker.verdicts import UNSUPPORTED, Label, Verdict
from evidence.checker.vocabulary import MACRO, Metric
from evidence.record import Item


def decide(claim: Claim, index: Index) -> Verdict:
    """The label of a figure."""
    if not claim.figure.is_understood:
        return Verdict(Label.UNCHECKED)
    if claim.cited and not claim.is_negated:
        cited = _cited(claim, index)
        if cited is not None:
            return cited
    found = _uncited(claim, index)
    if claim.is_negated:
        return UNSUPPORTED
    if claim.is_assumed and not (
        found.label is Label.MATCHED and claim.is_bound and claim.figure.digits >= TELLING_DIGITS
    ):
        return Verdict(Label.ASSUMPTION)
    return found


def _cited(claim: Claim, index: Index) -> Verdict | None:
    """None if the citation decides nothing, because the words say something else than the item."""
    items = [index.items.get(id_) for id_ in claim.cited]
    known = [item for item in items if item is not None]
    if len(known) < len(items):
        return UNSUPPORTED
    fitting = [item for item in known if not _says_otherwise(claim, item, index)]
    if not fitting:
        return None
    for item in fitting:
        if (
            has_unit(claim.figure, item)
            and agrees(claim.figure, as_said(claim, item))
            and not is_opposite(claim, item)
            and not is_of_another_span(claim, item)
        ):
            return Verdict(Label.MATCHED, (item.id,))
    for one, other in _pairs(known):
        for derived in derivations.of_pair(one, other):
            is_beyond = claim.figure.is_change and holds(claim.figure, derived.value)
            if is_said(claim.figure, derived) and (
                is_beyond or agrees(claim.figure, signed(claim, derived.value))
            ):
                label = Label.CONSISTENT if is_vague(claim.figure) else Label.DERIVED
                return Verdict(label, derived.evidence, formula=derived.formula)
    found = _uncited(claim, index)
    if found.label in {Label.CONSISTENT, Label.DERIVED}:
        return found
    if found.label is Label.MATCHED:
        # Else the words are right, and the citation is of something else.
        return found if set(found.evidence) <= set(claim.cited) else UNSUPPORTED
    if claim.is_assumed:
        return Verdict(Label.ASSUMPTION)
    is_of_range = claim.metric is not None and claim.metric.family in {"low", "high"}
    if is_of_range and Metric.parse(known[0].metric).family == "close":
        # A close that lies in a range is not its end.
        return UNSUPPORTED
    is_other = claim.metric is not None and not index.knows(claim.metric.family)
    if len(known) == 1 and claim.role is Role.LEVEL and has_unit(claim.figure, known[0]) and not is_other:
        if is_near_miss(claim.figure, as_said(claim, known[0])):
            return UNSUPPORTED
        return Verdict(Label.CONTRADICTED, (known[0].id,), expected=known[0].value)
    # A level beside two items may be what they make, in a way that is not on the list.
    is_red = found.label is Label.CONTRADICTED and (len(known) == 1 or claim.role is not Role.LEVEL)
    return found if is_red else UNSUPPORTED


def _says_otherwise(claim: Claim, item: Item, index: Index) -> bool:
    if claim.is_subject_near and (claim.is_foreign or claim.subject not in {None, item.subject}):
        family = Metric.parse(item.metric).family
        # What is about a country is not about a company beside it, but it is about no other country either.
        return family not in MACRO or (family != "fx" and claim.subject in index.subjects_with(family))
    if claim.is_dated and claim.period is not None and claim.role is Role.LEVEL:
        said, own = claim.period, recorded(item.period)
        if own is not None and said.period is not None and not covers(said.period, own):
            return True
        if own is not None and said.undated is not None and not said.undated.holds(own.first, own.last):
            return True
    if (
        claim.metric is not None
        and claim.is_bound
        and claim.role is Role.LEVEL
        and index.knows(claim.metric.family)
    ):
        metric = Metric.parse(item.metric)
        return not claim.metric.fits(metric) and claim.metric.family in _FIRM
    return False


# A citation beside one of these that is about another of them is wrong.
_FIRM: Final = frozenset(
    ("revenue", "net_income", "gross_profit", "gross_margin", "eps", "rsi", "high", "low", "volume", "cash",
    "rnd", "total_assets",
     "volatility", "max_drawdown", "inflation", "operating_income", "sma")
)  # fmt: skip


def _pairs(items: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    for at, one in enumerate(items[:4]):
        for other in items[at + 1 : 4]:
            yield one, other


def _uncited(claim: Claim, index: Index) -> Verdict:
    if claim.is_foreign and not (claim.metric and claim.metric.family in MACRO and not claim.is_subject_near):
        return UNSUPPORTED
    if claim.role is Role.RELATION:
        return of_relation(claim, index)
    if claim.role is Role.SHARE:
        return of_share(claim, index)
    if claim.metric is None:
        if claim.role is Role.CHANGE and claim.subject is not None:
            return of_price_change(claim, claim.subject, index)
        return UNSUPPORTED
    subject = subject_of(claim, claim.metric, index)
    if subject is None:
        return UNSUPPORTED
    if claim.role is Role.CHANGE:
        return of_change(claim, subject, index)
    level = of_level(claim, subject, index)
    if level.label is Label.UNSUPPORTED:
        return of_ratio(claim, subject, index)
    return level
