"""Drops tool calls that cannot be read, such as one whose arguments were cut off."""

import json
from collections.abc import Sequence

import structlog
from ag2.annotations import Context
from ag2.events import BaseEvent, ModelResponse, ToolCallEvent, ToolCallsEvent
from ag2.middleware import BaseMiddleware
from ag2.middleware.base import LLMCall

from conversations.domain.errors import ProviderError

logger = structlog.get_logger(__name__)


class UnreadableCall(ProviderError):
    """The model's answer is nothing but tool calls that cannot be read."""

    def __init__(self) -> None:
        sentence = "The model called a tool in a way that cannot be read."
        super().__init__("provider_invalid_answer", sentence, retryable=True)


class ReadableCalls(BaseMiddleware):
    """Leaves the calls of an answer that can be read. Raises UnreadableCall if nothing else is left of it."""

    async def on_llm_call(
        self, call_next: LLMCall, events: Sequence[BaseEvent], context: Context
    ) -> ModelResponse:
        response = await call_next(events, context)
        calls = response.tool_calls.calls
        readable = [call for call in calls if _is_readable(call)]
        if len(readable) < len(calls):
            logger.warning("tool_call_unreadable", calls=len(calls), readable=len(readable))
            if not readable and not response.content:
                raise UnreadableCall
            response.tool_calls = ToolCallsEvent(readable)
        return response


def _is_readable(call: ToolCallEvent) -> bool:
    try:
        return bool(call.name) and isinstance(json.loads(call.arguments or "{}"), dict)
    except (ValueError, RecursionError):
        return False
