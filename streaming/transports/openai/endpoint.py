"""OpenAI's Chat Completions: whoever speaks to a model there, speaks to a panel here.

POST {path}chat/completions   start a debate and follow it, streamed or whole
GET  {path}models             the panels, as models
GET  {path}models/{id}        one of them

The answer is the debate as Markdown (`streaming.markdown`). It ends with a finish reason and [DONE] only where the
debate was completed; whatever else ends it is an error. The debate goes on when its client has gone, unless that asked
for a cancel. docs/openai.md says what becomes of each parameter.
"""

import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type, stop_before_delay

from conversations.access import permissions
from conversations.domain.enums import Action, Scope
from conversations.domain.errors import (
    Finished,
    InvalidInput,
    LimitReached,
    LogUnavailable,
    OutcryError,
    Unauthenticated,
)
from conversations.domain.requests import Command
from conversations.infrastructure import database
from conversations.infrastructure.event_loop import BackgroundTasks
from conversations.models import Conversation
from conversations.services import debates
from streaming.http import request as exchange
from streaming.http.endpoint import Endpoint
from streaming.http.request import Request, Visitor
from streaming.http.stream_response import Stream, headers, named, respond
from streaming.transports.openai import request as chat_completions
from streaming.transports.openai.encoder import (
    _CODES,
    NO_RETRY,
    Chunks,
    Failure,
    Unanswered,
    Whole,
    _body,
    _error,
    _may_be_retried,
    _model,
    _type,
)
from streaming.transports.openai.request import MODELS, Asked
from streaming.watchers import session_guard

logger = structlog.get_logger(__name__)

TRANSPORT: Final = "openai"
# How long it is tried to cancel a debate whose client has gone: longer than it takes to be allowed to again.
CANCEL_SECONDS: Final = 90.0

_cancelling = BackgroundTasks()


def doors() -> list[tuple[str, Endpoint]]:
    """The addresses of this transport."""
    path = re.escape(f"/{settings.OUTCRY_OPENAI_PATH}")
    return [
        (f"{path}chat/completions", Completions()),
        (f"{path}models", Models()),
        (f"{path}models/(?P<model>.+)", OneModel()),
    ]


class OpenAIEndpoint(Endpoint):
    """A door that refuses as OpenAI does."""

    def refusal(self, refused: OutcryError, request: Request | None) -> Any:
        param = getattr(refused, "param", None)
        if isinstance(refused, InvalidInput):
            param = refused.problems[0].field
        code = _CODES.get(type(refused), refused.code)
        return _error(refused.message, _type(refused.http_status), code, param)

    def refusal_headers(self, refused: OutcryError) -> list[tuple[str, str]]:
        more = [] if _may_be_retried(refused) else [NO_RETRY]
        return more + ([named(refused.conversation)] if isinstance(refused, Unanswered) else [])


class Models(OpenAIEndpoint):
    """Lists the panels."""

    methods = frozenset({"GET"})

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        await request.visitor()
        models = [_model(name, panel) for name, panel in MODELS.items()]
        await exchange.answer(send, 200, {"object": "list", "data": models})


class OneModel(OpenAIEndpoint):
    """Describes a panel."""

    methods = frozenset({"GET"})

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        await request.visitor()
        await exchange.answer(send, 200, _model(*chat_completions.panel_of(found["model"])))


class Completions(OpenAIEndpoint):
    """Starts a debate and tells it."""

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        visitor = await request.visitor()
        visitor.caller.require(Scope.WATCH)
        asked = chat_completions.read(_body(request))
        if asked.cancel_on_disconnect:
            visitor.caller.require(Scope.CONTROL)
        if asked.conversation is not None:
            conversation = await database.call(permissions.watch, visitor.caller.user, asked.conversation)
        else:
            visitor.caller.require(Scope.START)
            conversation = await debates.start(visitor.caller.user, asked.new)
        try:
            tell = _stream if asked.streamed else _whole
            stayed = await tell(request, _Telling(visitor, asked, conversation), receive, send)
        except Exception as failure:
            # Whoever asked again would start a second one.
            logger.exception("answer_failed", conversation=str(conversation.pk))
            raise Unanswered(conversation.pk) from failure
        if not stayed and asked.cancel_on_disconnect:
            _cancel_soon(visitor, conversation.pk)


@dataclass(frozen=True)
class _Telling:
    visitor: Visitor
    asked: Asked
    conversation: Conversation

    @property
    def envelope(self) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.conversation.pk}",
            "created": int(self.conversation.created_at.timestamp()),
            "model": self.asked.model,
        }


async def _stream(request: Request, telling: _Telling, receive: Any, send: Any) -> bool:
    chunks = Chunks(telling.envelope, telling.asked, telling.conversation.rounds)
    pk = telling.conversation.pk
    stream = Stream(TRANSPORT, telling.visitor, pk, 0, chunks, headers(pk))
    return await respond(request, stream, receive, send)


async def _whole(request: Request, telling: _Telling, receive: Any, send: Any) -> bool:
    """Wait for the end, then answer at once: not before it is known can a status say how it ended."""
    told = Whole(telling.conversation.rounds)
    stream = Stream(TRANSPORT, telling.visitor, telling.conversation.pk, 0, told, ())
    if not await respond(request, stream, receive, _unsent):
        return False
    more = [named(telling.conversation.pk)]
    if isinstance(told.outcome, Failure):
        await exchange.answer(send, told.outcome.http_status, told.outcome.body, [*more, NO_RETRY])
        return True
    message = {"role": "assistant", "content": "".join(told.text), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": told.outcome.reason}
    completion = {**telling.envelope, "object": "chat.completion", "choices": [choice]}
    await exchange.answer(send, 200, {**completion, "usage": told.outcome.usage}, more)
    return True


async def _unsent(message: Any) -> None:
    """For a response of which nothing goes out as it comes."""


def _cancel_soon(visitor: Visitor, conversation: UUID) -> None:
    # Not in the request, which servers end a while after its client.
    _cancelling.spawn(_cancel(visitor, conversation))


async def _cancel(visitor: Visitor, conversation: UUID) -> None:
    """Cancel the debate of a client that left and had asked for that, as long as the client may. Tried again while the
    database is unavailable, and when it was refused for its rate. Raises nothing."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type((LimitReached, LogUnavailable)),
        wait=_until_allowed,
        stop=stop_before_delay(CANCEL_SECONDS),
    )
    try:
        await retrying(_try_to_cancel, visitor, conversation)
    except Finished:
        pass
    except RetryError:
        logger.warning("not_cancelled", conversation=str(conversation), code="timeout")
    except OutcryError as refused:
        logger.warning("not_cancelled", conversation=str(conversation), code=refused.code)
    except Exception:
        logger.exception("not_cancelled", conversation=str(conversation))


async def _try_to_cancel(visitor: Visitor, conversation: UUID) -> None:
    refused = await database.call(
        session_guard.refused, [(visitor.guest, conversation)], timeout=database.REQUEST_SECONDS
    )
    if refused:
        raise Unauthenticated("The client may not watch this debate any more.")
    # The same key each time: however often it is sent, the log has it once.
    command = Command(action=Action.CANCEL, idempotency_key=f"client-left-{conversation}")
    await debates.control(visitor.caller.user, conversation, command)


def _until_allowed(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    return max(database.BACKOFF(state), getattr(failure, "retry_after", None) or 0)


# What a debate comes to


# Its shapes
