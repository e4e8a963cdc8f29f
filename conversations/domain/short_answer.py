"""A short answer of a model outside of debates."""

from dataclasses import dataclass
from typing import Literal

from conversations.domain.events import Usage


@dataclass(frozen=True)
class ShortAnswer:
    """`finish_reason` is `length` if the answer was cut off at the limit."""

    text: str
    usage: Usage
    finish_reason: Literal["stop", "length"]
