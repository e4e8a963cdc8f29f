"""Cleaning of people's texts, once, where they come in. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import dropwhile
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

MAX_SENTENCE: Final = 200
"""Characters of a text's first sentence."""

# The part of a text that may hold its first sentence.
_BEGINNING: Final = 4_000
# Words of Markdown that are no text of their line, and marks of emphasis and code.
_LINE_MARKS: Final = "#>*+|=_\u2022-"
_EMPHASIS: Final = re.compile(r"[*`]+|__+")
# The end of a sentence: a mark, and quotation marks or brackets. One of Latin scripts is followed by a space.
_SENTENCE_END: Final = re.compile(r"[.!?\u2026]['\")\]\u00bb\u2019\u201d]?(?= [^a-z]|$)|[\u3002\uff01\uff1f]")
# Words with a full stop that does not end a sentence: initials, and these.
_ABBREVIATED: Final = re.compile(r"(?:\b(?:[^\W\d_]|Inc|Corp|Co|Ltd|No|vs|St|Mr|Mrs|Ms|Dr))\.$")


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


def first_sentence(text: str) -> str:
    """The first sentence of a text on one line, without Markdown's marks; "" if its beginning has no visible character.
    At most MAX_SENTENCE characters: a longer one is cut after a word and ends in "...", as one character."""
    paragraphs = (" ".join(_plain_lines(each)) for each in re.split(r"\n[ \t]*\n", text[:_BEGINNING].strip()))
    paragraph = next(filter(has_visible_character, paragraphs), "")
    for end in _SENTENCE_END.finditer(paragraph):
        if not _ABBREVIATED.search(paragraph[max(0, end.end() - 6) : end.end()]):
            paragraph = paragraph[: end.end()]
            break
    if len(paragraph) <= MAX_SENTENCE:
        return paragraph
    beginning, _, rest = paragraph[:MAX_SENTENCE].rpartition(" ")
    return f"{beginning or rest[:-1]}\u2026"


def _plain_lines(paragraph: str) -> Iterator[str]:
    """The lines of a paragraph without Markdown's marks, up to the end of a heading, which is a paragraph by itself."""
    for line in paragraph.split("\n"):
        words = _EMPHASIS.sub("", line).split()
        plain = " ".join(dropwhile(lambda word: not word.strip(_LINE_MARKS), words))
        if plain:
            yield plain
            if words[0].startswith("#"):
                return


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
