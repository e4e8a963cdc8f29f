"""Where a sentence names metrics and subjects, and over how long."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from evidence.checker import vocabulary
from evidence.checker.parameters import OF_KIND, QUALIFIER, end_of, parameter_of
from evidence.checker.qualifiers import is_clear, is_other
from evidence.checker.vocabulary import Metric, Vocabulary


@dataclass(frozen=True)
class MetricMention:
    """`is_clear`: no unknown word stands before it, which may make another metric of it."""

    start: int
    end: int
    metric: Metric
    is_clear: bool = True


@dataclass(frozen=True)
class SubjectMention:
    """`subject` is None for somebody who is not in the record."""

    start: int
    end: int
    subject: str | None


# "23.6 million shares" are no price.
_COUNTED: Final = re.compile(r"(?:\d|million|billion|thousand) $")
_NUMBER_WORDS: Final = {"one": 1, "two": 2, "three": 3, "six": 6, "nine": 9, "twelve": 12, "a": 1, "an": 1}
SPAN: Final = re.compile(
    r"\b(?P<count>\d{1,4}|one|two|three|six|nine|twelve)[- ](?:trading[- ])?(?P<unit>day|week|month|year)s?\b"
    r"|\b(?P<short>\d{1,3}[dwmy])\b"
    r"|\b(?:last|past|previous|the|this|one|a|that|in a|on the) (?P<bare>month|quarter|year)\b(?! (?:high|low"
    r"|before|earlier|ago))"
    r"|\b(?P<adjective>monthly|quarterly|annual|yearly)\b",
    re.IGNORECASE,
)
_WINDOW_ALONE: Final = re.compile(
    r"\b(?P<count>\d{1,3})-day(?= (?:(?:one|is|was|at|stands at|of) )*[$€£]?\d)"
)
_FIRST_OF_TWO: Final = re.compile(
    r"\b(?P<first>\d{1,3})(?:/| ?- ?(?:and|or|,) )\d{1,3}-day (?:(?:simple|moving|exponential) )*$"
)
# A metric that no record has.
OTHER: Final = Metric("other")
_BARE: Final = {
    "month": 21,
    "monthly": 21,
    "quarter": 63,
    "quarterly": 63,
    "year": 252,
    "annual": 252,
    "yearly": 252,
}
_WINDOWED: Final = frozenset(
    ("return", "sma", "ema", "volatility", "high", "low", "avg_volume", "max_drawdown", "rsi", "implied_volatility")
)  # fmt: skip
# Those of which people give monthly and daily values.
_OVER_A_TIME: Final = frozenset(("return", "volatility", "avg_volume", "max_drawdown"))
_POSSESSIVE: Final = re.compile(r"(?<![\w.])([A-Z][\w&.-]{1,30})(?:'s|’s)\s")
_PROPER: Final = re.compile(
    r"(?=[A-Z])(?:^|(?<=[,;:] )|(?<=while )|(?<=but )|(?<=whereas )|(?<=and )|(?<=at )|(?<=for )"
    r"|(?<=of ))(?P<name>[A-Z][a-zA-Z&-]{2,30}(?: [A-Z][a-zA-Z&-]{1,30}){0,2})"
    r"(?= (?:reported|reports|posted|posts|earned|earns|has|had|trades|traded|closed|fell|rose|grew|generated"
    r"|lost|gained|returned|made|booked|said)\b)"
)
_NO_NAMES: Final = frozenset(
    ("The", "This", "That", "These", "Those", "It", "Its", "Their", "They", "Our", "We", "He", "She", "Analysts",
     "Investors", "Management", "Shares", "Stock", "Markets", "Bulls", "Bears", "Both", "Each", "All", "Today",
     "Yesterday", "Yet", "But", "And", "However", "Nor", "Nobody", "Nothing", "Everything", "What", "Which", "Who",
     "Year", "Quarter", "Fiscal", "Company", "Financial", "Market", "Risk", "Analyst", "Context", "Challenger",
     "Moderator", "Cash", "Trading", "Share", "Price", "Momentum", "Growth", "Margin", "Margins")
)  # fmt: skip


def metrics(text: str, words: Vocabulary, subjects: Sequence[SubjectMention]) -> list[MetricMention]:
    """The metrics that are named, in order; of overlapping ones the longest."""
    found = _phrases(text, words)
    # A pair of currencies is its rate, too.
    found += [
        (each.start, -each.end, "fx")
        for each in subjects
        if each.subject is not None and len(each.subject) == 6 and each.subject[:3] in vocabulary.CURRENCIES
    ]
    named = {each.end for each in subjects}
    has_subject = any(each.subject is not None for each in subjects)
    mentions: list[MetricMention] = []
    for start, end, family in sorted(found):
        if family == "close" and _COUNTED.search(text, max(0, start - 12), start):
            continue
        if not mentions or start >= mentions[-1].end:
            mention = _mention(text, start, -end, family, mentions)
            # After whom it is of, or as in "the price closed at", nothing unknown stands before it.
            is_known = start - 1 in named or any(
                start - 1 == each.end and each.metric.family == family for each in mentions[-1:]
            )
            mentions += _pair(text, start, mention.metric)
            mentions.append(
                replace(mention, is_clear=is_known or is_clear(text, start, has_subject=has_subject))
            )
    return _with_windows_alone(text, mentions)


def _mention(text: str, start: int, end: int, family: str, before: Sequence[MetricMention]) -> MetricMention:
    """The metric of a phrase, with what stands beside it."""
    qualifier = QUALIFIER.match(text, end)
    if qualifier is not None and qualifier["kind"]:
        family = OF_KIND.get((family, qualifier["kind"].lower()), family)
    metric = _metric(text, start, end, family, before)
    if qualifier is not None and qualifier["window"] and (span := SPAN.search(qualifier["window"])):
        family = "avg_volume" if family == "volume" else family
        metric = Metric(family, window_of(span)) if family in _WINDOWED else metric
    if is_other(text, start, end, has_window=family in _OVER_A_TIME):
        metric = OTHER
    return MetricMention(start, end_of(text, start, end, family, qualifier), metric)


def _pair(text: str, start: int, metric: Metric) -> list[MetricMention]:
    """The first of two windows before one metric: "the 50/200-day SMA", "the 50- and 200-day averages"."""
    match = _FIRST_OF_TWO.search(text, max(0, start - 28), start)
    if match is None or metric.window is None:
        return []
    return [MetricMention(*match.span("first"), Metric(metric.family, int(match["first"])))]


def _phrases(text: str, words: Vocabulary) -> list[tuple[int, int, str]]:
    """(start, -end, family) of all phrases that begin where one is found."""
    found: list[tuple[int, int, str]] = []
    place = 0
    while some := words.any_metric.search(text, place):
        start = some.start()
        for family, expression in words.metrics.items():
            if match := expression.match(text, start):
                found.append((start, -match.end(), family))
        place = max(-end for first, end, _ in reversed(found) if first == start)
    return found


def _with_windows_alone(text: str, mentions: list[MetricMention]) -> list[MetricMention]:
    """After "the 50-day average", "the 200-day" is an average, too."""
    alone = []
    for match in _WINDOW_ALONE.finditer(text):
        before = [
            mention
            for mention in mentions
            if mention.end <= match.start() and mention.metric.family in _WINDOWED
        ]
        if before:
            alone.append(MetricMention(*match.span(), Metric(before[-1].metric.family, int(match["count"]))))
    return sorted([*mentions, *alone], key=lambda mention: mention.start) if alone else mentions


def _metric(text: str, start: int, end: int, family: str, before: Sequence[MetricMention]) -> Metric:
    is_bare = (
        family == "sma" and "average" in text[start:end].lower() and "moving" not in text[start:end].lower()
    )
    if is_bare and any(mention.metric.family == "volume" for mention in before):
        family = "avg_volume"
    if family not in _WINDOWED:
        return Metric(family)
    near = text[max(0, start - 28) : start]
    spans = list(SPAN.finditer(near))
    if spans and re.fullmatch(
        r"(?:[\s'’s-]|simple|moving|trading|total|price|annualised|annualized|realised|average|daily|share)*",
        near[spans[-1].end() :],
    ):
        return Metric(family, window_of(spans[-1]))
    if (parameter := parameter_of(text, start, end, family)) is not None:
        return Metric(family, parameter[0])
    if family in {"return", "max_drawdown"} and (span := SPAN.search(text, end, end + 60)):
        return Metric(family, window_of(span))
    return Metric(family)


def window_of(match: re.Match[str]) -> int:
    if match["short"]:
        return vocabulary.trading_days(int(match["short"][:-1]), match["short"][-1])
    if match["count"]:
        count = match["count"].lower()
        return vocabulary.trading_days(_NUMBER_WORDS.get(count) or int(count), match["unit"])
    return _BARE[(match["bare"] or match["adjective"]).lower()]


def subjects(text: str, words: Vocabulary) -> list[SubjectMention]:
    """Who is named, in order: those of the record, others that are known, and proper names."""
    found = [
        SubjectMention(*match.span(), subject)
        for subject, expression in words.subjects.items()
        for match in expression.finditer(text)
    ]
    known = {(each.start, each.end) for each in found}
    found += [
        SubjectMention(*match.span(), None)
        for match in words.others.finditer(text)
        if match.span() not in known
    ]
    for match in (*_POSSESSIVE.finditer(text), *_PROPER.finditer(text)):
        start, end = match.span(1)
        name = match[1]
        if name.split(" ")[0] in _NO_NAMES or any(each.start < end and start < each.end for each in found):
            continue
        if not words.any_metric.search(name):
            found.append(SubjectMention(start, end, None))
    return _without_overlaps(text, found)


def _without_overlaps(text: str, found: Sequence[SubjectMention]) -> list[SubjectMention]:
    """Of mentions that overlap the longest; of pairs with the same first currency the one whose second is named."""

    def is_named(each: SubjectMention) -> bool:
        second = vocabulary.CURRENCIES.get((each.subject or "")[3:])
        return second is not None and re.search(rf"\b(?:{second})\b", text) is not None

    kept: list[SubjectMention] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end, not is_named(each))):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept
