"""Requests about organisations, and their validation."""

from typing import Annotated, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from conversations.domain.enums import Role
from conversations.domain.requests import LINE, Form, PersonId

MAX_NAME: Final = 100
MAX_EMAIL: Final = 254
DEFAULT_DAYS: Final = 7
MAX_DAYS: Final = 90


def _email(text: str) -> str:
    """A pydantic validator: a mail address, in lower case."""
    try:
        validate_email(text)
    except ValidationError:
        raise PydanticCustomError("email", "Enter a mail address, such as ada@example.com") from None
    return text.lower()


def _grantable(role: Role) -> Role:
    if role is Role.OWNER:
        raise PydanticCustomError("not_owner", "Invite as admin, member or viewer; make them an owner later")
    return role


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME),
    LINE,
    Field(description="1 to 100 characters."),
]


class OrganisationForm(Form):
    """An organisation to be created, or its new name."""

    name: Name


class NewMember(Form):
    """An invitation to join an organisation."""

    email: Annotated[
        str,
        StringConstraints(max_length=MAX_EMAIL),
        LINE,
        AfterValidator(_email),
        Field(description="Mail address of the person, who needs an account with it to accept."),
    ]
    role: Annotated[Role, AfterValidator(_grantable), Field(description="admin, member or viewer.")] = (
        Role.MEMBER
    )
    days: Annotated[
        int, Field(strict=True, ge=1, le=MAX_DAYS, description="How long the link can be used.")
    ] = DEFAULT_DAYS


class Acceptance(Form):
    """The acceptance of an invitation."""

    token: Annotated[str, StringConstraints(max_length=200), Field(description="The end of its link.")]


class RoleChange(Form):
    """Another role for a member."""

    role: Annotated[Role, Field(description="owner, admin, member or viewer.")]


class Transfer(Form):
    """The member who becomes an owner instead of the one who asks."""

    person: Annotated[PersonId, Field(description="Id of the member.")]
