"""What a sentence says about each of its figures: which metric, of whom, when, and in which role.

A sentence is divided into segments, so that a figure finds its words near by. What it does not find there it takes from
the segments before, and the claim is then less certain.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidence.checker import vocabulary
from evidence.checker.binding import Context, base_of, metric_of, period_of, span_of, subject_of
from evidence.checker.claim import Claim, Role
from evidence.checker.parts import Parts
from evidence.checker.roles import COMPOUND, role_of
from evidence.checker.vocabulary import NEGATED, Vocabulary

_FROM: Final = re.compile(r"\bfrom (?:about |around |roughly |nearly |almost |over |just )*$", re.IGNORECASE)
_LIST: Final = re.compile(r"(?:,? ?(?:and|or)|,) ")


@dataclass(frozen=True)
class Reading:
    """A sentence that is read: its claims, and the context for the next one."""

    claims: Sequence[Claim]
    context: Context


def read(text: str, words: Vocabulary, context: Context) -> Reading:
    """Read one normalised sentence."""
    parts = Parts.of(text, words)
    claims: list[Claim] = []
    for number in range(len(parts.figures)):
        claims.append(_claim(parts, number, context, claims[-1] if claims else None))
    return Reading(claims, _next(parts, context))


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
    cited, cite_end = parts.cited(figure.end)
    before, after = text[max(start, before_at) : figure.start], text[cite_end:after_at]
    role, direction, other = role_of(parts, figure, before, after, cite_end)
    if (
        role is Role.LEVEL
        and last is not None
        and last.role is Role.CHANGE
        and _LIST.fullmatch(text[start : figure.start])
    ):
        # In a list after another change: "rose 1 % and 2 %".
        role, direction = last.role, last.direction
    metric, is_bound = metric_of(parts, context, figure, start, after_at, role)
    subject, is_foreign, is_near = subject_of(parts, context, figure, start, after_at)
    period, is_dated = period_of(parts, figure, start, after_at)
    base = base_of(parts, figure)
    near = text[max(0, figure.start - 24) : figure.start]
    return Claim(
        figure=figure, metric=metric, is_bound=is_bound, subject=subject, is_foreign=is_foreign,
        is_subject_near=is_near, period=None if period is base else period, is_dated=is_dated, role=role,
        direction=direction, other=other,
        is_from=_FROM.search(near) is not None, is_assumed=vocabulary.ASSUMED.search(text) is not None,
        is_negated=NEGATED.search(near.rstrip()) is not None, cited=cited, base=base,
        is_compound=COMPOUND.search(text) is not None,
        window=span_of(parts, figure, max(start, before_at), start, after_at),
    )  # fmt: skip
