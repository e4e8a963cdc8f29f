"""Finds an instrument among many by its ticker or name. Pure."""

import re
from collections.abc import Iterable
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


class Names:
    """The tickers and names of instruments. Making it takes 0.2 s for ten thousand."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._symbols: dict[str, Instrument] = {}
        self._names: dict[str, list[Instrument]] = {}
        # The names and tickers that begin with a letter, each with its symbol.
        self._by_letter: dict[str, dict[str, str]] = {}
        for each in instruments:
            self._symbols.setdefault(_symbol(each.symbol), each)
            names = {_key(name) for name in (each.name, *each.names)} - {""}
            for name in names:
                self._names.setdefault(name, []).append(each)
            for known in {*names, each.symbol.casefold()}:
                self._by_letter.setdefault(known[0], {}).setdefault(known, each.symbol)

    def match(self, text: str) -> Instrument | None:
        """The instrument with this ticker, or else with this name, unless two companies have it."""
        if (found := self._symbols.get(_symbol(text))) is not None:
            return found
        named = self._names.get(_key(text), [])
        return named[0] if len({(each.name, each.names) for each in named}) == 1 else None

    def near(self, text: str) -> list[str]:
        """A few symbols that are nearly the text, or whose names are."""
        wanted = _key(text)
        known = self._by_letter.get(wanted[:1], {})
        found = get_close_matches(wanted, known, n=_MOST_NEAR, cutoff=0.75)
        return [*dict.fromkeys(known[each] for each in found)]


def clean(name: str) -> str:
    """The name in one line of at most 100 characters that can be seen."""
    return " ".join("".join(each if each.isprintable() else " " for each in name).split())[:100]


def short(name: str) -> str:
    """A company's name as people say it: without its legal form, and not in capitals."""
    text = clean(name)
    while (cut := _SUFFIX.sub("", text)) and cut != text:
        text = cut
    return " ".join(_word(word) for word in text.split())


def _word(word: str) -> str:
    return word.capitalize() if len(word) > 3 and word.isupper() and word.isalpha() else word


def _symbol(text: str) -> str:
    return text.strip().upper().replace(".", "-")


def _key(text: str) -> str:
    return _NO_WORD.sub(" ", short(text).casefold()).strip()
