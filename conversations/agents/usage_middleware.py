"""What stands between an AG2 agent and its model: a history of bounded length, in the shape that every model takes, and
a say before each call and after it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from ag2.annotations import Context
from ag2.events import BaseEvent, ModelRequest, ModelResponse, TextInput
from ag2.middleware import BaseMiddleware, TelemetryMiddleware, TokenLimiter
from ag2.middleware.base import LLMCall, MiddlewareFactory

from conversations.infrastructure import tracing
from conversations.providers.catalog import Provider

Ask = Callable[[Sequence[BaseEvent]], Awaitable[ModelResponse]]
# Makes a call of the model, by awaiting what it is given.
Watch = Callable[[Ask, Sequence[BaseEvent]], Awaitable[ModelResponse]]


def middleware(longest: int, watch: Watch) -> Iterable[MiddlewareFactory]:
    """For an agent whose prompts have about `longest` tokens at most; `watch` makes each call of its model."""
    # The outermost first: what is cut off is not joined, and what is counted is what is sent.
    return (TokenLimiter(longest), _Joined, lambda event, context: _Watched(event, context, watch))


def telemetry(agent: str, provider: Provider) -> Iterable[MiddlewareFactory]:
    """AG2's own spans of an agent's work, without the text of prompts and answers; none where telemetry is off."""
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
    """Neighbouring requests as one: some models' templates insist that the voices alternate."""

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


class _Watched(BaseMiddleware):
    def __init__(self, event: BaseEvent, context: Context, watch: Watch) -> None:
        super().__init__(event, context)
        self._watch = watch

    async def on_llm_call(
        self, call_next: LLMCall, events: Sequence[BaseEvent], context: Context
    ) -> ModelResponse:
        return await self._watch(lambda heard: call_next(heard, context), events)


def _is_plain(event: Any) -> bool:
    return isinstance(event, ModelRequest) and all(isinstance(part, TextInput) for part in event.parts)


def _text(event: Any) -> str:
    return "".join(part.content for part in event.parts)
