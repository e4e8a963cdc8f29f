"""Names that people may choose: none that passes for an agent, for the site's staff, or for another person."""

from functools import cache

from django.core.exceptions import ValidationError

from conversations.domain import names


def validate(name: str) -> None:
    """For a name that a person chooses. Raises ValidationError."""
    validate_letters(name)
    if names.look(name) & _reserved():
        raise ValidationError("This name is reserved. Choose another one.", code="reserved")


def validate_letters(name: str) -> None:
    """That the name looks like no other: each character in its usual form, and all of one writing system. Raises
    ValidationError."""
    if not names.has_usual_letters(name):
        raise ValidationError("Write the name with plain letters, without variants of them.", code="letters")
    if not names.is_of_one_script(name):
        raise ValidationError("Use letters of one writing system only.", code="scripts")


@cache
def _reserved() -> frozenset[str]:
    return names.looks((*names.names_of_agents(), *names.STAFF_LIKE))
