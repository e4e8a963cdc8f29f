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
    r"(?:\s|\b(?:by|of|another|little|about|around|roughly|some|nearly|almost|just|only|an?|over|more|than"
    r"|approximately|further|over|was|is|fully|at)\b)*",
    re.IGNORECASE,
)
_RISE_AFTER: Final = re.compile(
    r"\s+(?P<word>higher|more|up|lower|less|down|(?:(?:\w+ )?\w+ )?(?:growth|increase|rise|gain|jump|expansion"
    r"|improvement"
    r"|advance|return|decline|decrease|drop|fall|loss|contraction|slide|plunge|dip|slump|drawdown|change|move))\b",
    re.IGNORECASE,
)
_RISES: Final = frozenset(
    ("return", "gain", "jump", "advance", "rise", "growth", "increase", "expansion", "improvement")
)
_NOUN_OF: Final = r"\b(?:{}) of (?:about |some |roughly |around )*$"
_RISE_OF: Final = re.compile(
    _NOUN_OF.format("gain|increase|rise|jump|growth|advance|change|improvement|expansion|return"),
    re.IGNORECASE,
)
_FALL_OF: Final = re.compile(
    _NOUN_OF.format("loss|decline|decrease|drop|fall|slide|contraction|dip|plunge|slump"), re.IGNORECASE
)
_BELOW: Final = re.compile(
    r"\s*(?:below|under|off|beneath|short|shy|away|lower|less|cheaper|from|(?:a )?discount)", re.IGNORECASE
)
# Between a figure and the metric that it is a multiple of, or compared with.
_BEFORE_MULTIPLIED: Final = re.compile(
    r"(?:\s+(?:its|the|their|of|trailing|that|\d{1,3}-day|last|year's|in|annual))*\s+"
)
_BEFORE_COMPARED: Final = re.compile(
    r"(?:(?:its|the|their|that|a|\d{1,3}-(?:day|week|month|year)|simple|52 week|one-year|year's)\s*)*"
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
    """(the role, 1 up or -1 down, the other metric of a share or a relation). `before` and `after` are the texts beside
    the figure up to the next ones; its citations end at `end`."""
    following = next((mention for mention in parts.metrics if mention.start >= end), None)
    gap = parts.text[end : following.start] if following else ""
    if _is_magnitude(parts, figure):
        return Role.LEVEL, 0, None
    if figure.measure is Measure.PERCENT:
        if COMPOUND.search(before):
            return Role.CHANGE, 1, None
        if compared := _compared(parts, end, following):
            return Role.RELATION, -1 if _BELOW.match(parts.text, end) else 1, compared
        if following and len(gap) < 30 and _SHARE.fullmatch(gap) and not _RISE_AFTER.match(after):
            return Role.SHARE, 0, following.metric
    if figure.is_change:
        return Role.CHANGE, 0, None
    if figure.measure is Measure.MULTIPLE:
        if following and len(gap) < 40 and _BEFORE_MULTIPLIED.fullmatch(gap):
            return Role.RELATION, 0, following.metric
        return Role.LEVEL, 0, None
    if _TO.search(before):
        return Role.LEVEL, 0, None
    direction = _direction(figure, before, after)
    return (Role.LEVEL, 0, None) if direction is None else (Role.CHANGE, direction, None)


def _is_magnitude(parts: Parts, figure: Figure) -> bool:
    """Whether the metric before it is itself a fall, as a drawdown."""
    previous = [mention for mention in parts.metrics if mention.end <= figure.start]
    return (
        bool(previous)
        and previous[-1].metric.family in vocabulary.MAGNITUDES
        and parts.is_bridged(previous[-1].end, figure.start)
    )


def _compared(parts: Parts, end: int, following: MetricMention | None) -> Metric | None:
    """The metric that a figure is above or below."""
    if following and (match := _COMPARED.match(parts.text, end)):
        gap = parts.text[match.end() : following.start]
        if len(gap) < 32 and _BEFORE_COMPARED.fullmatch(gap):
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
        if word in {"change", "move"}:
            return 0
        if word != "drawdown":
            return 1 if word in _RISES or UPWARDS.fullmatch(word) else -1
        return None
    if _RISE_OF.search(before):
        return 1
    if _FALL_OF.search(before):
        return -1
    return 0 if figure.is_signed and figure.measure is Measure.PERCENT else None
