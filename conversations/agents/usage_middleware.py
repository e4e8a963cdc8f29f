"""AG2 middleware around each call of a model, from the outermost in:

1. Neighbouring requests are joined, because some models' chat templates require alternating roles.
2. `Meter` makes the call, and reserves and settles its cost.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from ag2.annotations import Context
from ag2.events import BaseEvent, ModelRequest, ModelResponse, TextInput, estimated_tokens
from ag2.middleware import BaseMiddleware, TelemetryMiddleware
from ag2.middleware.base import LLMCall, MiddlewareFactory

from conversations.agents.clock import ReplyClock
from conversations.agents.event_mapper import counted
from conversations.domain.budget_guard import BudgetGuard, Call
from conversations.domain.enums import Mode
from conversations.domain.events import Usage
from conversations.infrastructure import tracing
from conversations.prompts.builder import Prompt
from conversations.prompts.tokens import MESSAGE_MARKS, Measured
from conversations.providers.catalog import Provider
from conversations.providers.provider_errors import UNBILLED, provider_error

# UTF-8 has at most 4 bytes a character, and each is at most one token.
BYTES_PER_CHARACTER = 4
_NOTHING = Usage(input_tokens=0, output_tokens=0)


class Meter:
    """Reserves the cost of each call of a turn before it, and settles it afterwards; only those of live providers.

    `first` is the turn's first call, whose prompt is `prompt`. `keep` is a call that must remain within the budget
    after each one, or None. `measured` learns what the model counts."""

    def __init__(
        self,
        budget: BudgetGuard,
        provider: Provider,
        first: Call,
        prompt: Prompt,
        measured: Measured,
        clock: ReplyClock,
    ) -> None:
        self.keep: Call | None = None
        self._budget = budget
        self._is_live = provider.mode is Mode.LIVE
        self._first = first
        self._prompt = prompt
        self._measured = measured
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

    async def call(
        self, call_next: Callable[[], Awaitable[ModelResponse]], events: Sequence[BaseEvent]
    ) -> ModelResponse:
        """Call the model, and settle the call. Raises OverBudget if it exceeds the budget, and the call's own
        exceptions."""
        reservation, self._reservation = self._reservation, None
        is_first = reservation is not None
        if reservation is None and self._is_live:
            reservation = await self._budget.reserve(self._further(events), self.keep)
        self._clock.call()
        began, paused = time.monotonic(), self._clock.paused_seconds
        # None (unknown) unless the provider reports it; nothing if it rejected the request.
        usage: Usage | None = None
        try:
            response = await call_next()
            usage = counted(response.usage)
            if is_first:
                first = self._first
                self._measured.learn(first.provider, first.model, self._prompt.told, usage.input_tokens)
        except Exception as failure:
            if provider_error(failure).reason in UNBILLED:
                usage = _NOTHING
            raise
        finally:
            if reservation is not None:
                seconds = time.monotonic() - began - (self._clock.paused_seconds - paused)
                await self._budget.settle(reservation, usage, seconds)
        return response

    def _further(self, events: Sequence[BaseEvent]) -> Call:
        """The call after a tool's result, or for a corrected answer, at the most."""
        # AG2 counts whole texts, also those of tools, and divides by the characters of a token.
        characters = sum(estimated_tokens(event, 1) for event in events)
        added = max(0, characters - sum(map(len, self._prompt.told)))
        marks = MESSAGE_MARKS * len(events)
        return replace(
            self._first, input_tokens=self._first.input_tokens + marks + added * BYTES_PER_CHARACTER
        )


def middleware(meter: Meter) -> Iterable[MiddlewareFactory]:
    """Middleware for an agent whose calls the meter counts."""
    return (_Joined, lambda event, context: _Paid(event, context, meter))


def telemetry(agent: str, provider: Provider) -> Iterable[MiddlewareFactory]:
    """AG2's own spans of an agent's work, without the text of prompts and answers; none without telemetry."""
    if (tracer_provider := tracing.provider()) is None:
        return ()
    return (
        TelemetryMiddleware(
            tracer_provider=tracer_provider,
            capture_content=False,
            agent_name=agent,
            provider_name=provider.kind,
            model_name=provider.model,
        ),
    )


class _Joined(BaseMiddleware):
    async def on_llm_call(
        self, call_next: LLMCall, events: Sequence[BaseEvent], context: Context
    ) -> ModelResponse:
        joined: list[BaseEvent] = []
        for event in events:
            before = joined[-1] if joined else None
            if _is_plain(event) and _is_plain(before):
                joined[-1] = ModelRequest([TextInput(f"{_text(before)}\n\n{_text(event)}")])
            else:
                joined.append(event)
        return await call_next(joined, context)


class _Paid(BaseMiddleware):
    def __init__(self, event: BaseEvent, context: Context, meter: Meter) -> None:
        super().__init__(event, context)
        self._meter = meter

    async def on_llm_call(
        self, call_next: LLMCall, events: Sequence[BaseEvent], context: Context
    ) -> ModelResponse:
        return await self._meter.call(lambda: call_next(events, context), events)


def _is_plain(event: Any) -> bool:
    return isinstance(event, ModelRequest) and all(isinstance(part, TextInput) for part in event.parts)


def _text(event: Any) -> str:
    return "".join(part.content for part in event.parts)
