"""What a name looks like to a reader, so that none passes for another one. Pure.

Names stand beside what is said, in pages, in prompts and in what is delivered to other agents.
"""

import string
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from conversations.domain.panels import PANELS

# What a reader would take for the site itself.
STAFF_LIKE: Final = frozenset(
    {
        "admin",
        "administration",
        "administrator",
        "agent",
        "analyst",
        "assistant",
        "bot",
        "help",
        "moderation",
        "moderator",
        "official",
        "operator",
        "outcry",
        "owner",
        "panel",
        "reviewer",
        "root",
        "security",
        "site",
        "staff",
        "superuser",
        "support",
        "sysadmin",
        "system",
        "team",
        "webmaster",
    }
)
# Digits, signs and letters that are read as another letter, and letters of other writing systems as Latin ones.
_READ_AS: Final = str.maketrans(
    "0134578@$!|l\u0251авеікмнорстухѕјһԁԛԝгαβεικμνορτυχ",
    "oieastbasiiiaabeikmhopctyxsjhdqwrabeikmvoptux",
)
# Writing systems that one word may mix.
_MIXED: Final = (
    frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"CJK", "HANGUL"}),
    frozenset({"CJK", "BOPOMOFO"}),
)


def has_usual_letters(name: str) -> bool:
    """Whether each character is in its usual form, such as no full-width letter."""
    return unicodedata.normalize("NFKC", name) == name


def is_of_one_script(name: str) -> bool:
    """Whether all letters are of one writing system, or of those that are written together."""
    scripts = frozenset(_scripts(name))
    return len(scripts) <= 1 or any(scripts <= mixed for mixed in _MIXED)


def names_of_agents() -> Iterator[str]:
    """The names and roles of the agents of the built-in panels."""
    for panel in PANELS.values():
        for agent in panel.agents:
            yield agent.name
            yield agent.role


def looks(names: Iterable[str]) -> frozenset[str]:
    """What the names are read as, all together."""
    return frozenset[str]().union(*map(look, names))


def look(name: str, *, is_numbered: bool = False) -> frozenset[str]:
    """What the name is read as: without case, accents and signs, with digits, variants and pairs of letters as the
    letters that they look like, and without a number at its end, unless names are told apart by it (`is_numbered`).
    Two names with one of them in common look the same."""
    plain = unicodedata.normalize("NFKD", "".join(map(_letter, name.casefold())))
    unnumbered = plain if is_numbered else plain.rstrip("0123456789._-+@ ")
    forms = (plain, plain.translate(_READ_AS), unnumbered.translate(_READ_AS))
    joined = (form.replace("rn", "m").replace("vv", "w") for form in forms)
    return frozenset(letters for form in (*forms, *joined) if (letters := "".join(filter(str.isalnum, form))))


def _scripts(name: str) -> Iterator[str]:
    """The writing system of each letter, and of each digit that is not a common one, because many look like an O: the
    first word of its name in Unicode, such as LATIN or THAI."""
    for character in name:
        if character.isalnum() and character not in string.digits:
            words = unicodedata.name(character, "UNNAMED").removeprefix("EXTENDED ").split(" ")
            script = words[0].split("-")[0]
            # The zero of Chinese and Japanese.
            yield "CJK" if script == "IDEOGRAPHIC" else script


def _letter(character: str) -> str:
    """The letter that a variant is of, such as a dotless i or a small capital, by its name in Unicode."""
    name = "" if character.isascii() else unicodedata.name(character, "")
    letters = [word for word in name.split(" ") if len(word) == 1] if name.startswith("LATIN ") else []
    return letters[0].lower() if letters else character
