"""In which role a figure stands: a level, a change, a share, or a relation to another metric."""

import re
from typing import Final

from evidence.checker import vocabulary
from evidence.checker.claim import Role
from evidence.checker.figure import Figure, Measure
from evidence.checker.mentions import MetricMention
from evidence.checker.parts import Parts
from evidence.checker.phrasing import DOWNWARDS, UPWARDS
from evidence.checker.vocabulary import Metric

_COMPARED: Final = re.compile(
    r"\s*(?:below|above|under|over|off|beneath|beyond|from|short of|shy of|away from|(?:higher|lower|more|less"
    r"|cheaper) than|(?:a )?(?:discount|premium) to)\s+",
    re.IGNORECASE,
)
_IT: Final = re.compile(r"\s*(?:below|above|under|over|beneath|off) (?:it|that|this)\b", re.IGNORECASE)
_SHARE: Final = re.compile(r"\s+of\s+(?:its |the |all |their |total |annual )*$")
_BY: Final = re.compile(
    r"(?:\s|\b(?:by|of|another|about|around|roughly|some|nearly|almost|just|only|an?|over|more|than"
    r"|approximately|further|over|was|is|fully|at)\b)*",
    re.IGNORECASE,
)
_RISE_AFTER: Final = re.compile(
    r"\s+(?P<word>higher|more|up|lower|less|down|(?:(?:\w+ )?\w+ )?(?:growth|increase|rise|gain|jump|expansion"
    r"|improvement"
    r"|advance|return|decline|decrease|drop|fall|loss|contraction|slide|plunge|dip|slump|drawdown|change|move))\b",
    re.IGNORECASE,
)
_TO: Final = re.compile(
    r"\b(?:to|at) (?:about |around |roughly |nearly |almost |over |just |only |a |an )*$", re.IGNORECASE
)
COMPOUND: Final = re.compile(
    r"\b(?:compound(?:s|ed|ing)?|CAGR|annuali[sz]ed growth|a year since|per year since)\b", re.IGNORECASE
)


def role_of(
    parts: Parts, figure: Figure, before: str, after: str, end: int
) -> tuple[Role, int, Metric | None]:
    following = next((mention for mention in parts.metrics if mention.start >= end), None)
    gap = parts.text[end : following.start] if following else ""
    previous = [mention for mention in parts.metrics if mention.end <= figure.start]
    if (
        previous
        and previous[-1].metric.family in vocabulary.MAGNITUDES
        and parts.is_bridged(previous[-1].end, figure.start)
    ):
        return Role.LEVEL, 0, None
    if figure.measure is Measure.PERCENT and COMPOUND.search(before):
        return Role.CHANGE, 1, None
    if figure.measure is Measure.PERCENT and (compared := _compared(parts, end, following)):
        below = re.match(
            r"\s*(?:below|under|off|beneath|short|shy|away|lower|less|cheaper|from|(?:a )?discount)",
            parts.text[end : end + 16],
            re.IGNORECASE,
        )
        return Role.RELATION, -1 if below else 1, compared
    if (
        figure.measure is Measure.PERCENT
        and following
        and len(gap) < 30
        and _SHARE.fullmatch(gap)
        and not _RISE_AFTER.match(after)
    ):
        return Role.SHARE, 0, following.metric
    if (
        figure.measure is Measure.MULTIPLE
        and following
        and len(gap) < 40
        and re.fullmatch(
            r"(?:\s+(?:its|the|their|of|trailing|that|\d{1,3}-day|last|year's|in|annual))*\s+", gap
        )
    ):
        return Role.RELATION, 0, following.metric
    if figure.measure is Measure.MULTIPLE:
        return Role.LEVEL, 0, None
    if _TO.search(before):
        return Role.LEVEL, 0, None
    direction = _direction(figure, before, after)
    return (Role.LEVEL, 0, None) if direction is None else (Role.CHANGE, direction, None)


def _compared(parts: Parts, end: int, following: MetricMention | None) -> Metric | None:
    if match := _COMPARED.match(parts.text, end):
        gap = parts.text[match.end() : following.start] if following else None
        if (
            following
            and gap is not None
            and len(gap) < 32
            and re.fullmatch(
                r"(?:(?:its|the|their|that|a|\d{1,3}-(?:day|week|month|year)|simple|52 week|one-year"
                r"|year's)\s*)*",
                gap,
            )
        ):
            return following.metric
    if _IT.match(parts.text, end):
        levels = [
            mention for mention in parts.metrics if mention.end <= end and mention.metric.family != "close"
        ]
        return levels[-1].metric if levels else None
    return None


def _direction(figure: Figure, before: str, after: str) -> int | None:
    """Up or down, if the figure is a change; None if it is none."""
    for expression, direction in ((UPWARDS, 1), (DOWNWARDS, -1)):
        ends = [match.end() for match in expression.finditer(before)]
        if ends and len(before) - ends[-1] < 40 and _BY.fullmatch(before, ends[-1]):
            return direction
    if match := _RISE_AFTER.match(after):
        word = match["word"].split(" ")[-1].lower()
        if word == "drawdown":
            return None
        return (
            0
            if word in {"change", "move"}
            else (
                1
                if UPWARDS.fullmatch(word)
                or word
                in {
                    "return",
                    "gain",
                    "jump",
                    "advance",
                    "rise",
                    "growth",
                    "increase",
                    "expansion",
                    "improvement",
                }
                else -1
            )
        )
    if re.search(
        r"\b(?:gain|increase|rise|jump|growth|advance|change|improvement|expansion|return) of (?:about "
        r"|some |roughly |around )*$",
        before,
        re.IGNORECASE,
    ):
        return 1
    if re.search(
        r"\b(?:loss|decline|decrease|drop|fall|slide|contraction|dip|plunge|slump) of (?:about |some "
        r"|roughly |around )*$",
        before,
        re.IGNORECASE,
    ):
        return -1
    if figure.is_signed and figure.measure is Measure.PERCENT:
        return 0
    return None
