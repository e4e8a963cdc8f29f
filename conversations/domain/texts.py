"""Cleaning of people's texts, once, where they come in. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final
from uuid import UUID

# All that Python, Unicode or a terminal takes for the end of a line, but "\n" itself.
_LINE_END: Final = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
# Control characters (Unicode's Cc), without "\t", "\n", and NUL, which is refused.
_CONTROL: Final[Mapping[int, None]] = {
    code: None for code in (*range(1, 32), *range(127, 160)) if code not in {9, 10}
}
# Letters and symbols that are blank: fillers of Hangul, and Braille without a dot.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def cleaned(text: str) -> str:
    """The text, in which every line ends in "\\n", without control characters other than that, tabs and NUL."""
    if text.isprintable():
        return text
    return _LINE_END.sub("\n", text).translate(_CONTROL)


def cleaned_line(text: str) -> str:
    """The text in one line, without control characters other than NUL: ends of lines and tabs become spaces."""
    if text.isprintable():
        return text
    return " ".join(cleaned(text).replace("\t", "\n").split("\n"))


def has_visible_character(text: str) -> bool:
    """Whether the text has a letter, a number, punctuation or a symbol that is drawn. Spaces, control and format
    characters (such as U+200B and U+FEFF), and marks without a letter, are not; half a surrogate pair may be."""
    return any(map(_is_visible, text))


def uuid_or_nil(text: str) -> UUID:
    """The UUID that the text is; if it is none, the nil UUID, which no row has."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return (category[0] in "LNPS" or category == "Cs") and character not in _BLANK
