"""What was said in a debate, as prompts need it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Spoken:
    """A finished message of the debate."""

    role: str
    name: str
    text: str
