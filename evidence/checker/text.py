"""Text in one form, with the way back to where each character stood; and where its sentences end."""

import re
import unicodedata
from typing import Final, NamedTuple

# Stands for a character that is a number to Unicode but no digit, such as ² or ½: what it touches is not understood.
ODD_DIGIT: Final = "\ufffd"
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[\"')\]*_]{0,3}\s+(?=[^\sa-z])|\n+")
# Of Markdown, where it touches a word: "**71**", "_71_", "`71`".
_EMPHASIS: Final = re.compile(r"(?<![\w*_`])[*_`]{1,3}(?=[^\s*_`])|(?<=[^\s*_`])[*_`]{1,3}(?![\w*_`])")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|[A-Z]\.[A-Z]|Inc|Corp|Ltd|Co|vs|approx|ca|No|est|e\.g|i\.e|Mr|Ms|Dr|Jan|Feb|Mar|Apr"
    r"|Jun|Jul|Aug"
    r"|Mio|Mrd|Mill|Tsd|Rs|ext|Avg|Vol|Chg|Sep|Sept|Oct|Nov|Dec)\.$"
)


# A real minus, and the hyphens that stand for one.
_MINUS: Final = {ord(dash): "-" for dash in "\u2010\u2012\u2212"}


class Plain(NamedTuple):
    """`text` in NFKC without invisible characters and emphasis; `places[i]` is where its character i
    stood, and the last entry the length of the original."""

    text: str
    places: list[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span in the original."""
        return self.places[start], self.places[end - 1] + 1 if end > start else self.places[start]


def plain(text: str) -> Plain:
    emphasis = {place for match in _EMPHASIS.finditer(text) for place in range(*match.span())}
    if text.isascii() and not emphasis:
        return Plain(text, list(range(len(text) + 1)))
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for each in "" if place in emphasis else _plain(character):
            characters.append(each)
            places.append(place)
    places.append(len(text))
    return Plain("".join(characters), places)


def _plain(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category in {"No", "Nl"}:
        return ODD_DIGIT
    return unicodedata.normalize("NFKC", character).translate(_MINUS)


def sentences(text: str) -> list[tuple[int, int]]:
    """The spans of the sentences and lines of a text, in order and without gaps."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if "\n" not in match[0] and text[start : start + 4].lstrip().startswith("|"):
            # A row of a table is one.
            continue
        if "\n" in match[0] or not _ABBREVIATION.search(text[max(start, match.start() - 8) : match.start()]):
            spans.append((start, match.end()))
            start = match.end()
    if start < len(text):
        spans.append((start, len(text)))
    return spans
