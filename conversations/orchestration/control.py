"""The debate's port to the people around it."""

from typing import Protocol
from uuid import UUID

from conversations.domain.human_input import HumanInput, Question


class DebateControl(Protocol):
    """What a debate asks of the run that executes it."""

    async def checkpoint(self) -> HumanInput:
        """Return what people have said so far, once the next turn may begin. Raises Left where it may not."""

    async def answer(self, request: UUID) -> Question:
        """Return the question once it is answered or has expired. Its InputRequest must have been yielded."""


class NoControl:
    """A debate without people."""

    async def checkpoint(self) -> HumanInput:
        return HumanInput()

    async def answer(self, request: UUID) -> Question:
        raise NotImplementedError("There is nobody to answer.")
