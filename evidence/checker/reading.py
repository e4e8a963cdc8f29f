"""What a sentence says about each of its figures: which metric, of whom, when, and in which role.

A sentence is divided into segments, so that a figure finds its words near by. What it does not find there it takes from
the segments before, and the claim is then less certain.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from evidence.checker.binding import Context, base_of, metric_of, period_of, span_of, subject_of
from evidence.checker.claim import Claim, Role
from evidence.checker.figure import Figure, Measure
from evidence.checker.parts import Parts, is_bridge
from evidence.checker.phrasing import DOWNWARDS, NEGATED, UPWARDS
from evidence.checker.ranges import metric_in_range
from evidence.checker.roles import COMPOUND, role_of
from evidence.checker.vocabulary import PERCENTAGES, Metric, Vocabulary

_FROM: Final = re.compile(r"\bfrom (?:about |around |roughly |nearly |almost |over |just )*$", re.IGNORECASE)
_OR: Final = re.compile(r"(?:\bor|\bthat is|\bi\.e\.),? (?:by |about )?$", re.IGNORECASE)
_LIST: Final = re.compile(r"(?:,? ?(?:and|or)|,) ")


# Figures of one sentence that are read; a sentence that people write has fewer. Each is compared with all others, so
# that twice as many would take four times as long.
MAX_CLAIMS: Final = 50


@dataclass(frozen=True)
class Reading:
    """A sentence that is read: its claims, the figures after those, and the context for the next sentence."""

    claims: Sequence[Claim]
    rest: Sequence[Figure]
    context: Context


def read(text: str, words: Vocabulary, context: Context) -> Reading:
    """Read one normalised sentence."""
    parts = Parts.of(text, words)
    claims: list[Claim] = []
    for number in range(min(len(parts.figures), MAX_CLAIMS)):
        claims.append(_claim(parts, number, context, claims[-1] if claims else None))
    return Reading(claims, parts.figures[MAX_CLAIMS:], _next(parts, context))


def _next(parts: Parts, context: Context) -> Context:
    """The context of the next sentence."""
    subject, is_foreign = context.subject, context.is_foreign
    if parts.subjects:
        # Of several the first, which the sentence is about.
        first = parts.subjects[0]
        subject, is_foreign = first.subject, first.subject is None
    metric = parts.metrics[-1].metric if parts.metrics else None if parts.subjects else context.metric
    return Context(subject, is_foreign, metric)


def _claim(parts: Parts, number: int, context: Context, last: Claim | None) -> Claim:
    text, figure = parts.text, parts.figures[number]
    start, end = parts.segment(figure.start)
    before_at = parts.figures[number - 1].end if number else 0
    after_at = min(end, parts.figures[number + 1].start if number + 1 < len(parts.figures) else len(text))
    cited, (role, direction, other) = _role(
        parts, number, text[max(start, before_at) : figure.start], after_at, last
    )
    metric, is_bound, is_clear = metric_of(parts, context, figure, start, after_at, role)
    if (ranged := metric_in_range(parts, number, metric)) is not None:
        metric, is_bound = ranged
    figure = _of_points(figure, parts, cited)
    subject, is_foreign, is_near = subject_of(parts, context, figure, start, after_at)
    period, is_dated = period_of(parts, figure, start, after_at)
    base = base_of(parts, figure)
    if role is Role.CHANGE and metric is None and is_near:
        is_bound = _is_of_subject(parts, figure)
    near = text[max(0, figure.start - 24) : figure.start]
    return Claim(
        figure=figure, metric=metric, is_bound=is_bound, is_clear=is_clear, subject=subject, is_foreign=is_foreign,
        is_subject_near=is_near, period=None if period is base else period, is_dated=is_dated, role=role,
        direction=direction, other=other,
        is_from=ranged is None and _FROM.search(near) is not None, is_assumed=parts.is_assumed,
        is_negated=NEGATED.search(near.rstrip()) is not None or parts.is_denied(figure), cited=cited, base=base,
        is_compound=COMPOUND.search(text) is not None,
        window=span_of(parts, figure, max(start, before_at), start, after_at),
    )  # fmt: skip


def _of_points(figure: Figure, parts: Parts, cited: Sequence[str]) -> Figure:
    """The figure with what its points are: percentage points, if it cites two items in a sentence that is only about
    metrics in per cent; else it is not said, and they are units of an index."""
    if not figure.is_points or figure.measure is not Measure.PLAIN:
        return figure
    families = {mention.metric.family for mention in parts.metrics}
    if len(cited) > 1 and families and families <= PERCENTAGES:
        return replace(figure, measure=Measure.PERCENT)
    return replace(figure, is_points=False)


def _role(
    parts: Parts, number: int, before: str, after_at: int, last: Claim | None
) -> tuple[tuple[str, ...], tuple[Role, int, Metric | None]]:
    """The evidence that is cited for a figure; and its role, the direction, and the other metric of a relation."""
    text, figure = parts.text, parts.figures[number]
    cited, end = parts.cited(figure.end)
    role, direction, other = role_of(parts, figure, before, text[end:after_at], end)
    start, _ = parts.segment(figure.start)
    if role is Role.LEVEL and len(cited) > 1 and _OR.search(before):
        # The change once more: "fell from 20 to 15, or 25 %".
        role, direction = Role.CHANGE, _last_direction(text[: figure.start])
    elif (
        role is Role.LEVEL
        and last is not None
        and last.role is Role.CHANGE
        and _LIST.fullmatch(_without_subjects(parts, start, figure.start))
    ):
        # In a list after another change: "rose 1 % and 2 %", "A rose 1 %, B 2 %".
        role, direction = last.role, last.direction
    if not cited and (role is not Role.LEVEL or figure.is_points or figure.measure is Measure.MULTIPLE):
        following = parts.figures[number + 1 : number + 2]
        cited = parts.cited_together(figure.end, following[0].start if following else len(text))
    return cited, (role, direction, other)


def _without_subjects(parts: Parts, start: int, end: int) -> str:
    text = parts.text[start:end]
    for each in reversed(parts.subjects):
        if start <= each.start and each.end <= end:
            text = f"{text[: each.start - start]}{text[each.end - start :].lstrip()}"
    return text


def _last_direction(text: str) -> int:
    """1 if the last word of direction says up, -1 if down, 0 without any."""
    ends = [
        (match.end(), direction)
        for expression, direction in ((UPWARDS, 1), (DOWNWARDS, -1))
        for match in expression.finditer(text)
    ]
    return max(ends, default=(0, 0))[1]


def _is_of_subject(parts: Parts, figure: Figure) -> bool:
    """Whether the subject itself rose or fell: "IBM lost 22 %", and not a unit of it."""
    named = [each for each in parts.subjects if each.end <= figure.start]
    if not named:
        return False
    words = parts.text[named[-1].end : figure.start]
    return len(words) < 90 and is_bridge(UPWARDS.sub(" ", DOWNWARDS.sub(" ", words)))
