"""Budgeting the calls of one turn: the maximum cost of a call is reserved before it, and settled after it."""

import time
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from ag2.events import BaseEvent, ModelResponse, estimated_tokens

from conversations.agents.event_mapper import counted
from conversations.agents.limits import ReplyClock
from conversations.agents.usage_middleware import CallNext
from conversations.domain.budget_guard import BudgetGuard, Call
from conversations.domain.enums import Mode
from conversations.domain.events import Usage
from conversations.prompts.builder import CHARACTERS_PER_TOKEN
from conversations.providers.catalog import Provider
from conversations.providers.provider_errors import UNBILLED, provider_error

_NOTHING = Usage(input_tokens=0, output_tokens=0)


class Meter:
    """`first` is the turn's first call, `system` the system message of all its calls. `keep` is a call that must remain
    within the budget after each one, or None.

    Only calls of live providers are reserved."""

    def __init__(
        self, budget: BudgetGuard, provider: Provider, first: Call, system: str, clock: ReplyClock
    ) -> None:
        self.keep: Call | None = None
        self._budget = budget
        self._is_live = provider.mode is Mode.LIVE
        self._first = first
        self._system = system
        self._clock = clock
        self._reservation: UUID | None = None

    async def reserve(self) -> None:
        """Reserve the first call. Raises OverBudget if it exceeds the budget, and LogUnavailable."""
        if self._is_live:
            self._reservation = await self._budget.reserve(self._first, self.keep)

    async def release(self) -> None:
        """Give back the reservation of a call that was never made, if there is one. Raises LogUnavailable."""
        reservation, self._reservation = self._reservation, None
        if reservation is not None:
            await self._budget.settle(reservation, _NOTHING, 0.0)

    async def call(self, call_next: CallNext, events: Sequence[BaseEvent]) -> ModelResponse:
        """Call the model, and settle the call. Raises OverBudget if it exceeds the budget, and the call's own
        exceptions."""
        reservation, self._reservation = self._reservation, None
        if reservation is None and self._is_live:
            tokens = sum(estimated_tokens(event, CHARACTERS_PER_TOKEN) for event in events)
            call = replace(self._first, input_tokens=tokens + len(self._system) // CHARACTERS_PER_TOKEN)
            reservation = await self._budget.reserve(call, self.keep)
        began, paused = time.monotonic(), self._clock.paused_seconds
        # None (unknown) unless the provider reports it; nothing if it rejected the request.
        usage: Usage | None = None
        try:
            response = await call_next(events)
            usage = counted(response.usage)
        except Exception as failure:
            if provider_error(failure).reason in UNBILLED:
                usage = _NOTHING
            raise
        finally:
            if reservation is not None:
                seconds = time.monotonic() - began - (self._clock.paused_seconds - paused)
                await self._budget.settle(reservation, usage, seconds)
        return response
