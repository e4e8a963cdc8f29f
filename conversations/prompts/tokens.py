"""Numbers of tokens, without the tokenizers of the providers: none can be had offline in a small package.

1. `estimate` is a range for people, by the scripts of a text.
2. `most` is an upper bound for reservations: a vocabulary of bytes, as every provider has, needs at most one token for
   each byte.
3. `Measured` lowers that bound by what the model counted in earlier prompts of the same debate.

No I/O.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

# Tokens of a chat template's marks around each message, and of a message that some templates add.
MESSAGE_MARKS: Final = 16
TEMPLATE_MARKS: Final = 64
# Bytes of the description of a tool: rounded up.
TOOL_BYTES: Final = 1_024
# Tokens that the end of a text may have more when it stands alone than within a longer text.
CUT: Final = 16
# Characters of a long text.
LONG: Final = 20_000


class Range(NamedTuple):
    """The fewest and the most tokens that are to be expected."""

    low: float
    high: float


class _Rule(NamedTuple):
    """Tokens of a run of characters: `first` for the run, and `each` for each of its characters."""

    first: Range
    each: Range

    def of(self, runs: int, characters: int) -> Range:
        return Range(
            runs * self.first.low + characters * self.each.low,
            runs * self.first.high + characters * self.each.high,
        )


_NONE: Final = Range(0, 0)
# Low by the vocabulary o200k, high by a vocabulary of 49,000 tokens that was made for English (see
# tests/conversations/prompts/token_counts.json).
_RULES: Final = {
    "word": _Rule(Range(0.7, 0.6), Range(0.06, 0.16)),
    "digits": _Rule(Range(0.3, 0.3), Range(0.3, 1.05)),
    "space": _Rule(Range(0, 0.12), Range(0, 0.03)),
    "line": _Rule(Range(0.1, 0.6), Range(0, 0.25)),
    "mark": _Rule(Range(0.4, 0.5), Range(0.2, 0.55)),
    "han": _Rule(_NONE, Range(0.62, 1.95)),
    "arabic": _Rule(_NONE, Range(0.25, 1.2)),
    "alphabet": _Rule(_NONE, Range(0.2, 1.1)),
    "other": _Rule(_NONE, Range(0.4, 3)),
}
_RUNS: Final = re.compile(
    r"(?P<word>[A-Za-z]+)|(?P<digits>[0-9]+)|(?P<space>[ \t]+)|(?P<line>[\r\n]+)"
    r"|(?P<mark>[!-/:-@\[-`{-~]+)"
    # Han, kana, Hangul, and their punctuation.
    r"|(?P<han>[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]+)"
    r"|(?P<arabic>[\u0590-\u077f]+)"
    # Latin with accents, Greek, Cyrillic, and quotation marks and dashes.
    r"|(?P<alphabet>[\u00a0-\u052f\u2010-\u205f]+)"
    r"|(?P<other>.)",
    re.DOTALL,
)


def estimate(text: str) -> Range:
    """The range that holds the number of tokens of nearly every text, whichever model reads it."""
    return _estimate_long(text) if len(text) > LONG else _estimate_short(text)


def _estimate(text: str) -> Range:
    runs, characters = dict.fromkeys(_RULES, 0), dict.fromkeys(_RULES, 0)
    for run in _RUNS.finditer(text):
        # One group of the expression always matches.
        kind = run.lastgroup or "other"
        runs[kind] += 1
        characters[kind] += run.end() - run.start()
    found = [rule.of(runs[kind], characters[kind]) for kind, rule in _RULES.items()]
    return Range(sum(each.low for each in found), sum(each.high for each in found))


# Apart, so that the messages of many debates do not displace the sources of one: 500,000 characters take half a second.
_estimate_short = lru_cache(maxsize=64)(_estimate)
_estimate_long = lru_cache(maxsize=64)(_estimate)


def most(texts: Iterable[str]) -> int:
    """An upper bound of the tokens of a request with these messages."""
    return TEMPLATE_MARKS + sum(MESSAGE_MARKS + _bytes(text) for text in texts)


@dataclass(frozen=True)
class _Prompt:
    text: str
    tokens: int


class Measured:
    """What the models of one debate counted in their last prompts.

    The prompts of a debate begin alike, with the material. So a prompt has at most as many tokens as the last one of
    the same model, and the bytes of what is new."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], _Prompt] = {}

    def learn(self, provider: str, model: str, texts: Iterable[str], tokens: int | None) -> None:
        """The model has counted so many tokens in a prompt of these messages; None or 0 teaches nothing."""
        if tokens:
            self._last[provider, model] = _Prompt("".join(texts), tokens)

    def most(self, provider: str, model: str, system: str, texts: Iterable[str]) -> int:
        """An upper bound of the tokens of a prompt: its system message, and its other messages."""
        told = [*texts]
        bound = most([system, *told])
        last = self._last.get((provider, model))
        if last is None:
            return bound
        text = "".join(told)
        new = text[_common(last.text, text) :]
        marks = TEMPLATE_MARKS + MESSAGE_MARKS * (len(told) + 1)
        return min(bound, last.tokens + CUT + marks + _bytes(system) + _bytes(new))


def _common(first: str, second: str) -> int:
    """The number of characters that both texts begin with."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
