"""What is searched for: the terms of a query, and the short words that an index of trigrams cannot find.

SQLite's index finds any three characters in a row. Words of one or two, which most Chinese, Japanese and Korean words
are, stand in a column of their own, each padded to three. PostgreSQL takes a row of CJK characters for one word, and
finds them by the same column.
"""

import re
from collections.abc import Iterator
from typing import Final

# Each term takes one look into the index. A longer query is searched for as one phrase.
MAX_TERMS: Final = 8
# Characters that PostgreSQL takes for a boundary between words, whatever its locale.
PAD: Final = "|"
TRIGRAM: Final = 3
# Han, with its extensions; kana; Hangul.
_CJK: Final = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_SHORT_WORD: Final = re.compile(r"(?<!\w)\w{1,2}(?!\w)")
_TERM: Final = re.compile(r'"([^"]+)"|(\S+)')


def parse(query: str) -> list[str]:
    """The words and "quoted phrases" of the query, in its order, each once."""
    found = [(quoted or word).strip().strip('"') for quoted, word in _TERM.findall(query)]
    terms = [*dict.fromkeys(term for term in found if term)]
    return terms if len(terms) <= MAX_TERMS else [query.strip()]


def pairs(text: str) -> str:
    """The text's words of one or two characters: its short words, and every one and two neighbouring CJK characters."""
    found = dict.fromkeys(word.lower() for word in _SHORT_WORD.findall(text))
    for run in _CJK.findall(text):
        found |= dict.fromkeys(run)
        found |= dict.fromkeys(_neighbours(run))
    return " ".join(map(padded, found))


def padded(word: str) -> str:
    """A word of `pairs` as it is stored."""
    return word.ljust(TRIGRAM, PAD)


def sqlite_match(term: str) -> str:
    """The term as an FTS5 query: a string in quotes, so that nothing in it is syntax."""
    column, text = ("text", term) if len(term) >= TRIGRAM else ("pairs", padded(term))
    return '{} : "{}"'.format(column, text.replace('"', '""'))


def postgresql_match(term: str) -> tuple[str, str]:
    """The term as the phrase for phraseto_tsquery, which takes any text, and the query for to_tsquery."""
    cjk = _CJK.findall(term)
    if not cjk and re.fullmatch(r"\w+", term):
        # As on SQLite, a longer word may be the beginning of one.
        return "", f"'{term}'" + (":*" if len(term) >= TRIGRAM else "")
    lexemes = [pair for run in cjk for pair in (_neighbours(run) if len(run) > 1 else run)]
    return _CJK.sub(" ", term), " & ".join(f"'{pair}'" for pair in lexemes)


def _neighbours(run: str) -> Iterator[str]:
    return (run[start : start + 2] for start in range(len(run) - 1))
