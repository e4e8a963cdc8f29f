"""Names that people may choose: none that passes for an agent, for the site's staff, or for another person.

Names stand beside what is said, in pages, in prompts and in what is delivered to other agents.
"""

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
_READ_AS: Final = str.maketrans("0134578@$!|l", "oieastbasiii")
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
    """The writing system of each letter: the first word of its name in Unicode, such as LATIN or CYRILLIC."""
    for character in name:
        if character.isalpha():
            yield unicodedata.name(character, "UNNAMED").split(" ")[0].split("-")[0]


@cache
def _reserved() -> frozenset[str]:
    agents = [agent for panel in PANELS.values() for agent in (*panel.speakers, panel.moderator)]
    names = [name for agent in agents for name in (agent.name, agent.role)]
    return frozenset().union(*map(_skeletons, (*names, *_STAFF_LIKE)))


def _skeletons(name: str) -> frozenset[str]:
    """What the name is read as: without case, accents and signs, with digits as the letters that they look like, and
    without a number at its end."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    unnumbered = plain.rstrip("0123456789._-+@")
    forms = (plain, plain.translate(_READ_AS), unnumbered.translate(_READ_AS))
    return frozenset(letters for form in forms if (letters := "".join(filter(str.isalnum, form))))
