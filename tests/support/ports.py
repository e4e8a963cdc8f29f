"""What a debate asks of others, where a test has no people and no budget."""

from uuid import UUID, uuid4

from conversations.domain.budget_guard import Call
from conversations.domain.events import Usage
from conversations.domain.human_input import HumanInput, Question


class NoPeople:
    """The control of a debate in which nobody takes part."""

    async def checkpoint(self) -> HumanInput:
        return HumanInput()

    async def answer(self, request: UUID) -> Question:
        raise NotImplementedError


class NoLimit:
    """A budget that allows every call."""

    async def reserve(self, call: Call, keep: Call | None = None) -> UUID:
        return uuid4()

    async def settle(self, reservation: UUID, usage: Usage | None, seconds: float) -> None:
        pass
