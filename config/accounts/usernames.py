"""Names that people may choose: none that passes for an agent, for the site's staff, or for another person.

Names stand beside what is said, in pages, in prompts and in what is delivered to other agents.
"""

import string
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

from django.core.exceptions import ValidationError

from conversations.domain.panels import PANELS

# What a reader would take for the site itself.
_STAFF_LIKE: Final = frozenset(
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
# Digits, signs and letters that are read as another letter.
_READ_AS: Final = str.maketrans("0134578@$!|l\u0251", "oieastbasiiia")
# Writing systems that one word may mix.
_MIXED: Final = (
    frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"CJK", "HANGUL"}),
    frozenset({"CJK", "BOPOMOFO"}),
)


def validate(name: str) -> None:
    """For a name that a person chooses. Raises ValidationError."""
    validate_letters(name)
    if _skeletons(name) & _reserved():
        raise ValidationError("This name is reserved. Choose another one.", code="reserved")


def validate_letters(name: str) -> None:
    """That the name looks like no other: each character in its usual form, and all of one writing system. Raises
    ValidationError."""
    if unicodedata.normalize("NFKC", name) != name:
        raise ValidationError("Write the name with plain letters, without variants of them.", code="letters")
    scripts = frozenset(_scripts(name))
    if len(scripts) > 1 and not any(scripts <= mixed for mixed in _MIXED):
        raise ValidationError("Use letters of one writing system only.", code="scripts")


def _scripts(name: str) -> Iterator[str]:
    """The writing system of each letter, and of each digit that is not a common one, because many look like an O: the
    first word of its name in Unicode, such as LATIN or THAI."""
    for character in name:
        if character.isalnum() and character not in string.digits:
            words = unicodedata.name(character, "UNNAMED").removeprefix("EXTENDED ").split(" ")
            script = words[0].split("-")[0]
            # The zero of Chinese and Japanese.
            yield "CJK" if script == "IDEOGRAPHIC" else script


@cache
def _reserved() -> frozenset[str]:
    agents = [agent for panel in PANELS.values() for agent in panel.agents]
    names = [name for agent in agents for name in (agent.name, agent.role)]
    return frozenset().union(*map(_skeletons, (*names, *_STAFF_LIKE)))


def _skeletons(name: str) -> frozenset[str]:
    """What the name is read as: without case, accents and signs, with digits, variants and pairs of letters as the
    letters that they look like, and without a number at its end."""
    plain = unicodedata.normalize("NFKD", "".join(map(_letter, name.casefold())))
    unnumbered = plain.rstrip("0123456789._-+@")
    forms = (plain, plain.translate(_READ_AS), unnumbered.translate(_READ_AS))
    joined = (form.replace("rn", "m").replace("vv", "w") for form in forms)
    return frozenset(letters for form in (*forms, *joined) if (letters := "".join(filter(str.isalnum, form))))


def _letter(character: str) -> str:
    """The letter that a variant is of, such as a dotless i or a small capital, by its name in Unicode."""
    name = "" if character.isascii() else unicodedata.name(character, "")
    letters = [word for word in name.split(" ") if len(word) == 1] if name.startswith("LATIN ") else []
    return letters[0].lower() if letters else character
