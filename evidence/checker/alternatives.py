"""Long alternations of words, arranged so that few of them are tried at each place of a text."""

import re
from typing import Final

_PARENTHESIS: Final = re.compile(r"\\.|[()|]")


def by_first_letter(pattern: str) -> str:
    """The same alternation with its alternatives in groups by their first letter, for an expression that ignores case.
    Alternatives that begin with a group of their own stay as they are."""
    groups: dict[str, list[str]] = {}
    others: list[str] = []
    for alternative in _split(pattern):
        if alternative[0].isalpha():
            groups.setdefault(alternative[0].lower(), []).append(alternative[1:])
        else:
            others.append(alternative)
    grouped = [f"(?-i:[{letter}{letter.upper()}])(?:{'|'.join(rests)})" for letter, rests in groups.items()]
    return "|".join(grouped + others)


def _split(pattern: str) -> list[str]:
    """The alternatives outside of parentheses."""
    parts, start, depth = [], 0, 0
    for match in _PARENTHESIS.finditer(pattern):
        depth += (match[0] == "(") - (match[0] == ")")
        if match[0] == "|" and depth == 0:
            parts.append(pattern[start : match.start()])
            start = match.end()
    return [*parts, pattern[start:]]
