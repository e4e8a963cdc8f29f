"""The budget guard: the port through which a debate reserves the maximum cost of a call to a model, and then settles
it.

Orchestration depends on this protocol only, not on accounts or storage.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol
from uuid import UUID

from conversations.domain.events import Usage

# The schema, the system message and the request of a verdict, with marks, at a token a byte: about 3,300, rounded up.
VERDICT_BYTES: Final = 4_096


@dataclass(frozen=True)
class Call:
    """A request to a model: the provider's kind, and the numbers of input tokens and, at most, of output tokens."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int

    @property
    def most(self) -> Usage:
        """The maximum usage."""
        return Usage(input_tokens=self.input_tokens, output_tokens=self.output_tokens)


def verdict_beyond(call: Call, expected: int) -> Call:
    """What a verdict right after the call needs beyond what is reserved for the call, if the call's prompt has as many
    tokens as `expected`. The verdict's prompt will also contain the call's answer.

    A prompt that nothing was counted of is reserved at several times its tokens, most of which is given back before the
    verdict. Without that, long material would leave no room for a debate that the limit covers."""
    needed = 2 * expected + call.output_tokens + VERDICT_BYTES
    return replace(call, input_tokens=max(0, needed - call.input_tokens))


def verdict_of(beyond: Call, call: Call, provider: str, model: str) -> Call:
    """What `verdict_beyond` the call is if another model gives the verdict: the call's own price covers none of it."""
    whole = beyond.input_tokens + call.input_tokens
    return replace(beyond, provider=provider, model=model, input_tokens=whole)


class BudgetGuard(Protocol):
    """Allows or refuses the calls of one debate."""

    async def reserve(self, call: Call, keep: Call | None = None) -> UUID:
        """Reserve the maximum cost of the call, such that `keep` stays within the limits afterwards. Returns the
        reservation's id.

        Raises OverBudget if that exceeds a limit, and LogUnavailable; then nothing is reserved."""

    async def settle(self, reservation: UUID, usage: Usage | None, seconds: float) -> None:
        """Replace the reserved amounts by those used. If a count is unknown, tokens and cost stay as reserved.
        `seconds` is the duration of the call. Settling again changes nothing.

        Raises LogUnavailable."""
