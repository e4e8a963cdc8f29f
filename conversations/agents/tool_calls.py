"""Makes the tool calls of a model's answer safe to execute and to record.

1. Calls that cannot be read are dropped, such as one whose arguments were cut off.
2. A call without an id, or with the id of another call of the turn, gets an id of its own: some servers number the
   calls of each answer from zero, and results are matched by id.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from uuid import uuid4

import structlog
from ag2.annotations import Context
from ag2.events import BaseEvent, ModelResponse, ToolCallEvent, ToolCallsEvent
from ag2.middleware import BaseMiddleware
from ag2.middleware.base import LLMCall

from conversations.agents.event_mapper import call_id
from conversations.domain.errors import ProviderError

logger = structlog.get_logger(__name__)


class UnreadableCall(ProviderError):
    """The model's answer is nothing but tool calls that cannot be read."""

    def __init__(self) -> None:
        sentence = "The model called a tool in a way that cannot be read."
        super().__init__("provider_invalid_answer", sentence, retryable=True)


class ReadableCalls(BaseMiddleware):
    """Leaves the calls of an answer that can be read, each with an id that is neither another's nor in `known`, the ids
    of the turn's earlier calls. Raises UnreadableCall if nothing else is left of the answer."""

    def __init__(self, event: BaseEvent, context: Context, known: Collection[str]) -> None:
        super().__init__(event, context)
        self._known = known

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
        _tell_apart(readable, self._known)
        return response


def _tell_apart(calls: Iterable[ToolCallEvent], known: Iterable[str]) -> None:
    """Replace ids that are missing or taken, in place. Ids are compared as they are logged."""
    taken = {call_id(id_) for id_ in known}
    for call in calls:
        if not call.id or call_id(call.id) in taken:
            call.id = uuid4().hex
        taken.add(call_id(call.id))


def _is_readable(call: ToolCallEvent) -> bool:
    try:
        return bool(call.name) and isinstance(json.loads(call.arguments or "{}"), dict)
    except (ValueError, RecursionError):
        return False
