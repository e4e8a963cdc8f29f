"""The API's error responses, as its document describes them."""

from ninja import Schema

from conversations.domain.enums import Status
from conversations.domain.errors import Problem


class Refusal(Schema):
    code: str
    message: str


class Conflict(Refusal):
    """`status` is the conversation's."""

    status: Status


class Invalid(Refusal):
    errors: list[Problem]
