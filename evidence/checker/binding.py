"""What belongs to a figure: the metric, the subject, the period and the window that stand nearest to it."""

import re
from dataclasses import dataclass
from typing import Final

from evidence.checker.claim import Role
from evidence.checker.figure import Figure
from evidence.checker.mentions import MetricMention, window_of
from evidence.checker.parts import Parts
from evidence.checker.periods import Said
from evidence.checker.vocabulary import Metric

_AFTER: Final = re.compile(
    r"(?:\s+worth)?(?:\s+(?:in|of|for|as|on))?(?:\s+(?:the|its|their|a|an|annual|quarterly|total|trailing|net"
    r"|diluted|adjusted|pure"
    r"|combined|reported|simple|\d{1,3}-(?:day|week|month|year)))*\s+$"
)
_SINCE: Final = re.compile(
    r"\b(?:since|from|over|versus|vs\.?|against|compared (?:with|to)|than(?: in)?)\s+(?:the )?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Context:
    """What the sentences before were about."""

    subject: str | None = None
    is_foreign: bool = False
    metric: Metric | None = None


def metric_of(
    parts: Parts, context: Context, figure: Figure, start: int, end: int, role: Role
) -> tuple[Metric | None, bool, bool]:
    """(the metric, whether it stands right at the figure, whether no unknown word stands before it)"""
    mention, is_bound = _mention_of(parts, context, figure, start, end, role)
    if isinstance(mention, Metric) or mention is None:
        return mention, False, True
    return mention.metric, is_bound, mention.is_clear


def _mention_of(
    parts: Parts, context: Context, figure: Figure, start: int, end: int, role: Role
) -> tuple[MetricMention | Metric | None, bool]:
    if (listed := parts.listed(parts.metrics, figure)) is not None:
        return listed, False
    _, cite_end = parts.cited(figure.end)
    inside = [mention for mention in parts.metrics if start <= mention.start < end]
    after = next((mention for mention in inside if mention.start >= cite_end), None)
    if role in {Role.SHARE, Role.RELATION}:
        inside = [mention for mention in inside if mention.end <= figure.start]
        after = None
    previous = [mention for mention in inside if mention.end <= figure.start]
    is_bridged = bool(previous) and parts.is_bridged(previous[-1].end, figure.start)
    if is_bridged and previous[-1].metric.family != "close":
        return previous[-1], True
    if after is not None and _AFTER.fullmatch(parts.text[cite_end : after.start]):
        return after, True
    if previous:
        return previous[-1], is_bridged
    if after is not None and role is not Role.CHANGE:
        return after, False
    earlier = [mention for mention in parts.metrics if mention.end <= start]
    if earlier:
        opening = parts.text[start : start + 5].lower()
        is_continued = opening.startswith(("from", "to ", "vers", "vs", "agai", "comp")) and parts.is_bridged(
            start + 4, figure.start
        )
        return earlier[-1], is_continued
    if after is not None:
        return after, False
    if re.match(r"\s*(?:It|That|This|Which|Up|Down)\b", parts.text):
        return context.metric, False
    return None, False


def subject_of(
    parts: Parts, context: Context, figure: Figure, start: int, end: int
) -> tuple[str | None, bool, bool]:
    """(the subject, whether it is foreign, whether it stands in the figure's segment)"""
    if (listed := parts.listed(parts.subjects, figure)) is not None:
        return listed.subject, listed.subject is None, True
    inside = [mention for mention in parts.subjects if start <= mention.start and mention.end <= figure.start]
    after = [mention for mention in parts.subjects if figure.end <= mention.start < end]
    if after and re.search(r"\b(?:for|of|at|by|in)\s(?:the )?$", parts.text[figure.end : after[0].start]):
        inside = inside or after[:1]
    near = bool(inside)
    inside = inside or [mention for mention in parts.subjects if mention.end <= start]
    if inside:
        return inside[-1].subject, inside[-1].subject is None, near
    return context.subject, context.is_foreign, False


def period_of(parts: Parts, figure: Figure, start: int, end: int) -> tuple[Said | None, bool]:
    """(the period, whether it stands in the figure's segment)"""
    after = [each for each in parts.periods if figure.end <= each.start < end]
    before = [each for each in parts.periods if start <= each.start and each.end <= figure.start]
    for found in (after[:1], before[-1:]):
        if found:
            return found[0], True
    opening = [each for each in parts.periods if each.end <= start]
    return (opening[-1], False) if opening else (None, False)


def span_of(parts: Parts, figure: Figure, near: int, start: int, end: int) -> int | None:
    """The trading days that are named after the figure, between `near` and it, or before its segment."""
    for first, last in ((figure.end, end), (near, figure.start), (0, start)):
        for match in parts.spans:
            if first <= match.start() and match.end() <= last:
                return window_of(match)
    return window_of(parts.spans[0]) if len(parts.spans) == 1 else None


def base_of(parts: Parts, figure: Figure) -> Said | None:
    """The period that a change is counted from: since FY2010, from FY2011."""
    for each in parts.periods:
        if each.start >= figure.end and _SINCE.search(parts.text[max(0, each.start - 20) : each.start]):
            return each
    return None
