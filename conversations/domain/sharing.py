"""The request to share a debate."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from conversations.domain.enums import Sharing
from conversations.domain.errors import InvalidInput
from conversations.domain.requests import Form, PersonId

MAX_NAMED: Final = 100


class ShareWith(Form):
    """Who in its organisation may watch a debate, beside its creator and those who review it."""

    sharing: Annotated[Sharing, Field(description="private, organisation, or members.")]
    members: Annotated[
        list[PersonId],
        Field(max_length=MAX_NAMED, description="With `members`: ids of the members, at most 100."),
    ] = []

    @model_validator(mode="after")
    def _names_members(self) -> Self:
        if self.sharing is Sharing.MEMBERS and not self.members:
            raise InvalidInput.of("members", "missing", "Name at least one member.")
        if self.sharing is not Sharing.MEMBERS and self.members:
            raise InvalidInput.of("members", "not_both", "Leave this out unless some members may watch.")
        return self
