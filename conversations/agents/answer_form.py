"""The form of a structured answer: what an agent asks the model for, and how it reads what comes."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel


class Unreadable(ValueError):
    """An answer has not the form that was asked for. The text is one sentence or more, for the model: what is wrong."""


@dataclass(frozen=True)
class AnswerForm:
    """`schema` describes the answer to the provider; `read` takes the value out of an answer, or raises Unreadable."""

    schema: type[BaseModel]
    read: Callable[[str], BaseModel]
