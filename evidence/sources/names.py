"""Finds an instrument among many by its ticker or name. Pure."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from evidence.record import Instrument

_SUFFIX: Final = re.compile(
    r"[ ,./]*\b(?:inc|incorporated|corp|corporation|co|company|cos|ltd|limited|plc|ag|se|sa|nv|n v|s a|llc|lp|holdings?"
    r"|group|the|new|de|md|ny|com)\b[ ./]*$",
    re.IGNORECASE,
)
_NO_WORD: Final = re.compile(r"[^\w&]+")
_MOST_NEAR: Final = 3


def short(name: str) -> str:
    """A company's name as people say it: without its legal form, and not in capitals."""
    text = clean(name)
    while (cut := _SUFFIX.sub("", text)) and cut != text:
        text = cut
    return " ".join(_word(word) for word in text.split())


def clean(name: str) -> str:
    """The name in one line of at most 100 characters that can be seen."""
    return " ".join("".join(each if each.isprintable() else " " for each in name).split())[:100]


def match(text: str, instruments: Sequence[Instrument]) -> Instrument | None:
    """The instrument with this ticker, or else with this name, unless two companies have it."""
    symbol = _symbol(text)
    for each in instruments:
        if _symbol(each.symbol) == symbol:
            return each
    name = _key(text)
    named = [each for each in instruments if name and name in {_key(known) for known in _names(each)}]
    return named[0] if len({(each.name, each.names) for each in named}) == 1 else None


def near(text: str, instruments: Sequence[Instrument]) -> list[str]:
    """A few symbols whose own letters, or whose names, are nearly those of the text."""
    wanted = _key(text)
    symbols: dict[str, str] = {}
    for each in instruments:
        for known in (each.symbol, *_names(each)):
            if wanted and _key(known)[:1] == wanted[:1]:
                symbols.setdefault(_key(known), each.symbol)
    found = get_close_matches(wanted, symbols, n=_MOST_NEAR, cutoff=0.75)
    return [*dict.fromkeys(symbols[each] for each in found)]


def _names(instrument: Instrument) -> tuple[str, ...]:
    return (instrument.name, *instrument.names)


def _word(word: str) -> str:
    return word.capitalize() if len(word) > 3 and word.isupper() and word.isalpha() else word


def _symbol(text: str) -> str:
    return text.strip().upper().replace(".", "-")


def _key(text: str) -> str:
    return _NO_WORD.sub(" ", short(text).casefold()).strip()
