"""The budget guard: the port through which a debate reserves what a call to a model may cost, and then settles it.

Orchestration knows this protocol only, and neither accounts nor storage.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from conversations.domain.events import Usage


@dataclass(frozen=True)
class Call:
    """A request to a model: of which kind of provider, and how many tokens go in and may come out at most."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int

    @property
    def most(self) -> Usage:
        """What it uses at most."""
        return Usage(input_tokens=self.input_tokens, output_tokens=self.output_tokens)


class BudgetGuard(Protocol):
    """Allows or refuses the calls of one debate."""

    async def reserve(self, call: Call, keep: Call | None = None) -> UUID:
        """Set aside what the call may cost, so that `keep` can be paid afterwards.

        Raises OverBudget where that would pass a limit, and LogUnavailable; then nothing is set aside."""

    async def settle(self, reservation: UUID, usage: Usage | None, seconds: float) -> None:
        """Replace what was set aside by what was used. Where a count is unknown, tokens and money stay as they were set
        aside. `seconds` is for how long the model was spoken with. Settling again changes nothing.

        Raises LogUnavailable."""
