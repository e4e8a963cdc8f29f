"""A sentence, taken apart: its figures, metrics, subjects and periods, and the segments between its breaks."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from evidence.checker import mentions, periods
from evidence.checker.figure import Figure
from evidence.checker.mentions import SPAN, MetricMention, SubjectMention
from evidence.checker.numbers import figures
from evidence.checker.periods import Said
from evidence.checker.phrasing import ASSUMED, CONCLUSION, DENIED
from evidence.checker.vocabulary import Vocabulary

M = TypeVar("M", MetricMention, SubjectMention)

_CITATION: Final = re.compile(r"\s{0,2}\[(E\d{1,5}(?:\s*[,;&]\s*E\d{1,5}){0,9})\]")
_BREAK: Final = re.compile(
    r"[;:()—|]|,(?=\s)| [–-] |\b(?:while|whereas|but|although|though|yet|versus|vs\.?|against|compared (?:with|to))\b"
    r"|\b(?:and|or)\b|\b(?:from|to)(?= (?:about |around |roughly |nearly |almost |over |just )?[$€£¥+-]?\.?\d)"
)
# Two windows before one metric.
_TWO: Final = re.compile(r"/\d|- (?:and|or) \d")
_SOFT: Final = frozenset(("and", "or"))
_BRIDGE: Final = re.compile(
    r"(?:[\s,'’(]|\b(?:the|a|an|its|their|his|our|this|that|of|at|is|was|are|were|be|been|being|has|have|had|in"
    r"|on|for|by|to|from"
    r"|as|so|just|only|now|still|currently|today|about|around|roughly|approximately|nearly|almost|some|over"
    r"|under|above|below"
    r"|more|less|than|least|most|up|down|reached|reaches|hit|hits|came|comes|stood|stands|sat|sits|ran|runs"
    r"|running|closed|ended"
    r"|ends|finished|totall?ed|equal(?:s|led)|fell|rose|grew|jumped|dropped|climbed|widened|narrowed|increased"
    r"|decreased|declined"
    r"|improved|slipped|surged|remains?|remained|shows?|showed|registered|posted|reads?|reading|measured|year"
    r"|end|fiscal|quarter"
    r"|FY|full|value|level|figure|ratio|rate|per|cent|which|it|s|earned|generated|delivered|booked|set|trades"
    r"|traded|trading"
    r"|currently|annual|annually|last|past|latest|whole|out|into|for|during|since|exactly|precisely|even"
    r"|already|also|then"
    r"|went|moved|amounted|bought|buys|worth|cost|costs|near|close|around|back|again|high|low|as|high)\b|\d{4})*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Parts:
    """`breaks` are the places where segments end."""

    text: str
    figures: Sequence[Figure]
    metrics: Sequence[MetricMention]
    subjects: Sequence[SubjectMention]
    periods: Sequence[Said]
    breaks: Sequence[int]

    @classmethod
    def of(cls, text: str, words: Vocabulary) -> "Parts":
        found = figures(text)
        subjects = mentions.subjects(text, words)
        metrics = mentions.metrics(text, words, subjects)
        said = periods.said(text) if found else []
        return cls(text, found, metrics, subjects, said, _breaks(text, found, metrics))

    @cached_property
    def spans(self) -> Sequence[re.Match[str]]:
        """The lengths of time that are named: over three months, 30-day."""
        return [*SPAN.finditer(self.text)]

    @cached_property
    def is_assumed(self) -> bool:
        return self.text.rstrip(" \n\"')").endswith("?") or ASSUMED.search(self.text) is not None

    @cached_property
    def _denials(self) -> Sequence[int]:
        return [match.start() for match in DENIED.finditer(self.text)]

    @cached_property
    def _conclusion(self) -> int:
        match = CONCLUSION.search(self.text) if self._denials else None
        return match.start() if match else len(self.text)

    def is_denied(self, figure: Figure) -> bool:
        """Whether the sentence denies the figure. The conclusion from a figure grants it."""
        is_concluded = figure.end <= self._conclusion
        return any(not is_concluded or place < self._conclusion for place in self._denials)

    def segment(self, place: int) -> tuple[int, int]:
        """Start and end of the segment that holds this place."""
        at = bisect_right(self.breaks, place)
        start = self.breaks[at - 1] if at else 0
        return start, self.breaks[at] if at < len(self.breaks) else len(self.text)

    def cited(self, end: int) -> tuple[tuple[str, ...], int]:
        """The evidence that is cited after this place, and where the citations end."""
        ids: list[str] = []
        while (match := _CITATION.match(self.text, end)) and len(ids) < 10:
            ids += re.findall(r"E\d+", match[1])
            end = match.end()
        return tuple(ids), end

    def cited_together(self, start: int, end: int) -> tuple[str, ...]:
        """Two or more items that are cited at the end of what is said with a figure, and before the next one."""
        match = _CITATION.search(self.text, start, min(end, start + 80))
        ids, _ = self.cited(match.start()) if match else ((), 0)
        return ids if len(ids) > 1 else ()

    def is_bridged(self, start: int, end: int) -> bool:
        """Whether only words that connect stand between."""
        gap = list(self.text[start:end])
        for first, last in (
            [(each.start, each.end) for each in self.periods]
            + [(each.start, each.end) for each in self.subjects]
            + [match.span() for match in self.spans]
        ):
            if start <= first and last <= end:
                gap[first - start : last - start] = " " * (last - first)
        return len(gap) < 90 and is_bridge("".join(gap))

    def listed(self, mentions: Sequence[M], figure: Figure) -> M | None:
        """The mention that belongs to the figure in lists: "A and B rose 1 % and 2 % respectively", "A beat B: 1 %
        against 2 %"."""
        if (
            len(mentions) != len(self.figures)
            or len(mentions) < 2
            or mentions[-1].end > self.figures[0].start
        ):
            return None
        if (
            "respectively" not in self.text.lower()
            and not (len(mentions) == 2 and _TWO.match(self.text, mentions[0].end))
            and ":" not in self.text[mentions[-1].end : self.figures[0].start]
        ):
            return None
        return mentions[self.figures.index(figure)]


def cited(text: str) -> list[str]:
    """The ids of all items that are cited in a text, in order."""
    return [id_ for match in _CITATION.finditer(text) for id_ in re.findall(r"E\d+", match[1])]


def is_bridge(text: str) -> bool:
    """Whether the text has no words but those that connect."""
    return _BRIDGE.fullmatch(text) is not None


def _breaks(text: str, found: Sequence[Figure], metrics: Sequence[MetricMention]) -> list[int]:
    breaks = []
    for match in _BREAK.finditer(text):
        if any(mention.start < match.start() < mention.end for mention in metrics):
            continue
        if match[0] == "(" and any(mention.end in {match.start(), match.start() - 1} for mention in metrics):
            # "The 50-day average ($607.78)": the bracket holds the value.
            continue
        if match[0].lower() in _SOFT and not (
            any(figure.end <= match.start() for figure in found)
            and any(figure.start >= match.end() for figure in found)
        ):
            continue
        if not any(figure.start <= match.start() < figure.end for figure in found):
            breaks.append(match.start())
    return breaks
