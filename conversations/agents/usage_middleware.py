"""AG2 middleware around each call of a model, from the outermost in:

1. The history is cut to the maximum prompt size; the topic is kept.
2. Neighbouring requests are joined, because some models' chat templates require alternating roles.
3. A hook makes the call, and can reserve and settle its cost.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from ag2.annotations import Context
from ag2.events import BaseEvent, ModelRequest, ModelResponse, TextInput
from ag2.middleware import BaseMiddleware, TelemetryMiddleware, TokenLimiter
from ag2.middleware.base import LLMCall, MiddlewareFactory

from conversations.infrastructure import tracing
from conversations.providers.catalog import Provider

CallNext = Callable[[Sequence[BaseEvent]], Awaitable[ModelResponse]]
# Makes the call with `CallNext`.
CallHook = Callable[[CallNext, Sequence[BaseEvent]], Awaitable[ModelResponse]]


def middleware(longest: int, hook: CallHook) -> Iterable[MiddlewareFactory]:
    """Middleware for an agent whose prompts have at most about `longest` tokens; `hook` makes each call."""
    return (TokenLimiter(longest), _Joined, lambda event, context: _Hooked(event, context, hook))


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


class _Hooked(BaseMiddleware):
    def __init__(self, event: BaseEvent, context: Context, hook: CallHook) -> None:
        super().__init__(event, context)
        self._hook = hook

    async def on_llm_call(
        self, call_next: LLMCall, events: Sequence[BaseEvent], context: Context
    ) -> ModelResponse:
        return await self._hook(lambda sent: call_next(sent, context), events)


def _is_plain(event: Any) -> bool:
    return isinstance(event, ModelRequest) and all(isinstance(part, TextInput) for part in event.parts)


def _text(event: Any) -> str:
    return "".join(part.content for part in event.parts)
