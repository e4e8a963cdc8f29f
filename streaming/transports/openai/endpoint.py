"""OpenAI's Chat Completions: whoever speaks to a model there, speaks to a panel here.

POST {path}chat/completions   start a debate and follow it, streamed or whole
GET  {path}models             the panels, as models
GET  {path}models/{id}        one of them

The answer is the debate as Markdown (`streaming.markdown`). It ends with a finish reason and [DONE] only where the
debate was completed; whatever else ends it is an error. The debate goes on when its client has gone, unless that asked
for a cancel. docs/openai.md says what becomes of each parameter.
"""

import asyncio
import contextvars
import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings

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

_cancelling: set["asyncio.Task[None]"] = set()


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
            conversation = await database.run(permissions.watch, visitor.caller.user, asked.conversation)
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
    task = asyncio.get_running_loop().create_task(
        _cancel(visitor, conversation), context=contextvars.Context()
    )
    _cancelling.add(task)
    task.add_done_callback(_cancelling.discard)


async def _cancel(visitor: Visitor, conversation: UUID) -> None:
    """As the client asked, for the case that it goes, and as long as it still may; again while the database is away, or
    it came too often. Raises nothing."""
    loop = asyncio.get_running_loop()
    until = loop.time() + CANCEL_SECONDS
    # However often it is written, it is told once.
    command = Command(action=Action.CANCEL, idempotency_key=f"client-left-{conversation}")
    why = "timeout"
    for pause in database.pauses():
        wait = pause
        try:
            if await database.promptly(session_guard.refused, [(visitor.guest, conversation)]):
                why = Unauthenticated.code
                break
            await debates.control(visitor.caller.user, conversation, command)
        except Finished:
            return
        except (LimitReached, LogUnavailable) as refused:
            wait = max(pause, getattr(refused, "retry_after", None) or 0)
        except database.FAILURES:
            pass
        except OutcryError as refused:
            why = refused.code
            break
        except Exception:
            logger.exception("not_cancelled", conversation=str(conversation))
            return
        else:
            return
        if loop.time() + wait >= until:
            break
        await asyncio.sleep(wait)
    logger.warning("not_cancelled", conversation=str(conversation), code=why)


# What a debate comes to


# Its shapes
