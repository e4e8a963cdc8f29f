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
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings

from conversations.access import permissions as access
from conversations.domain.enums import Scope
from conversations.domain.errors import (
    Finished,
    InvalidInput,
    LimitReached,
    LogUnavailable,
    OutcryError,
    StorageFull,
    TooManyRequests,
    Unauthenticated,
)
from conversations.domain.events import Action, Status
from conversations.domain.panels import Panel
from conversations.domain.requests import Command
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import debates as services
from streaming.http import request as exchange
from streaming.http.endpoint import Door, Fault
from streaming.http.request import Request, Visitor
from streaming.http.stream_response import SILENCE, Stream, headers, named, respond
from streaming.transports.openai import request as chat_completions
from streaming.transports.openai.markdown import Markdown
from streaming.transports.openai.request import MODELS, Asked, BadRequest
from streaming.watchers import session_guard as sessions
from streaming.wire.close_codes import Close
from streaming.wire.frames import Frame
from streaming.wire.text_deltas import Other, Voices

logger = structlog.get_logger(__name__)

TRANSPORT: Final = "openai"
# What OpenAI's own clients obey: they send a POST again after 408, 409, 429 and 5xx.
NO_RETRY: Final = ("x-should-retry", "false")
# They wait no longer than this, whatever Retry-After says.
LONGEST_RETRY_SECONDS: Final = 60.0
# Clients want a date of a model; the first panel is of that day.
PANELS_SINCE: Final = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
# How long it is tried to cancel a debate whose client has gone: longer than it takes to be allowed to again.
CANCEL_SECONDS: Final = 90.0

_cancelling: set["asyncio.Task[None]"] = set()

# What programs look for, where OpenAI has a word of its own for it.
_CODES: Final[Mapping[type[OutcryError], str]] = {
    Unauthenticated: "invalid_api_key",
    TooManyRequests: "rate_limit_exceeded",
}


def doors() -> list[tuple[str, Door]]:
    """The addresses of this transport."""
    path = re.escape(f"/{settings.OUTCRY_OPENAI_PATH}")
    return [
        (f"{path}chat/completions", Completions()),
        (f"{path}models", Models()),
        (f"{path}models/(?P<model>.+)", OneModel()),
    ]


class Unanswered(OutcryError):
    """A debate was started, and its answer could not begin. It goes on."""

    code = "internal"

    def __init__(self, conversation: UUID) -> None:
        super().__init__("The debate goes on, but its words cannot be sent; it can be read on the site.")
        self.conversation = conversation


class OpenAIDoor(Door):
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


class Models(OpenAIDoor):
    """Lists the panels."""

    methods = frozenset({"GET"})

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        await request.visitor()
        models = [_model(name, panel) for name, panel in MODELS.items()]
        await exchange.answer(send, 200, {"object": "list", "data": models})


class OneModel(OpenAIDoor):
    """Describes a panel."""

    methods = frozenset({"GET"})

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        await request.visitor()
        await exchange.answer(send, 200, _model(*chat_completions.panel_of(found["model"])))


class Completions(OpenAIDoor):
    """Starts a debate and tells it."""

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        visitor = await request.visitor()
        visitor.caller.require(Scope.WATCH)
        asked = chat_completions.read(_body(request))
        if asked.cancel_on_disconnect:
            visitor.caller.require(Scope.CONTROL)
        if asked.conversation is not None:
            conversation = await database.run(access.watch, visitor.caller.user, asked.conversation)
        else:
            visitor.caller.require(Scope.START)
            conversation = await services.start(visitor.caller.user, asked.new)
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
            if await database.promptly(sessions.refused, [(visitor.guest, conversation)]):
                why = Unauthenticated.code
                break
            await services.control(visitor.caller.user, conversation, command)
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


@dataclass(frozen=True)
class Finish:
    """It was completed. `usage` is None where the tokens of any call are unknown."""

    reason: str
    usage: Mapping[str, int] | None


@dataclass(frozen=True)
class Failure:
    """It was not, or its end was not told."""

    http_status: int
    code: str
    message: str

    @property
    def body(self) -> dict[str, Any]:
        """As OpenAI has it."""
        return _error(self.message, _type(self.http_status), self.code, None)


_FAULT: Final = Failure(500, "internal", "Something went wrong at our end. The debate goes on.")
_BROKEN_OFF: Final[Mapping[Close, Failure]] = {
    Close.UNAUTHENTICATED: Failure(
        401, "invalid_api_key", "The key or session has ended. The debate goes on."
    ),
    Close.FORBIDDEN: Failure(403, "forbidden", "You may not watch this debate any more."),
    Close.RESTART: Failure(503, "restart", "The server restarts. The debate goes on, and can be read there."),
    Close.SLOW: Failure(503, "slow", "The words were taken too slowly. The debate goes on."),
    Close.EXPIRED: Failure(503, "expired", "No connection lasts for ever. The debate goes on."),
}
_CANCELLED: Final = Failure(409, "cancelled", "The debate was cancelled.")


class Debate:
    """Reads a debate to its end: gives its text, and knows what it came to."""

    def __init__(self, rounds: int) -> None:
        self._voices = Voices()
        self._markdown = Markdown(rounds)
        self._status: Mapping[str, Any] = {}
        self._error: Failure | None = None
        self._usage: Mapping[str, int] | None = None

    def take(self, frame: Frame) -> str:
        """What the frame adds to the text."""
        pieces = []
        for speech in self._voices.take(frame.type, frame.data):
            pieces.append(self._markdown.write(speech))
            if isinstance(speech, Other):
                self._note(speech)
        return "".join(pieces)

    def outcome(self, why: Close) -> Finish | Failure:
        """What it came to; `why` its words end."""
        if why is not Close.ENDED:
            return _BROKEN_OFF.get(why, _FAULT)
        match self._status.get("status"):
            case Status.COMPLETED:
                # It was to be longer.
                is_cut = self._status["reason"] == "budget"
                return Finish("length" if is_cut else "stop", self._usage)
            case Status.CANCELLED:
                return _CANCELLED
            case Status.ERROR:
                return self._error or Failure(500, "error", "The debate failed.")
        return _FAULT

    def _note(self, event: Other) -> None:
        match event.type:
            case "status":
                self._status = event.data
            case "error":
                self._error = Failure(500, event.data["code"], event.data["message"])
            case "complete":
                self._usage = _usage(event.data["cost_summary"])


class Whole:
    """An encoder that says nothing, and keeps it for the end."""

    silence = (SILENCE[0], b"")

    def __init__(self, rounds: int) -> None:
        self.text: list[str] = []
        self.outcome: Finish | Failure = _FAULT
        self._debate = Debate(rounds)

    def frame(self, frame: Frame) -> bytes:
        self.text.append(self._debate.take(frame))
        return b""

    def aside(self, frame: Frame) -> bytes:
        return b""

    def end(self, why: Close) -> bytes:
        self.outcome = self._debate.outcome(why)
        return b""


class Chunks:
    """The encoder: a chunk for what each frame adds to the text."""

    silence = SILENCE

    def __init__(self, envelope: Mapping[str, Any], asked: Asked, rounds: int) -> None:
        self._debate = Debate(rounds)
        self._include_usage = asked.include_usage
        self._envelope = {**envelope, "object": "chat.completion.chunk"}

    def frame(self, frame: Frame) -> bytes:
        text = self._debate.take(frame)
        return self._chunk({"content": text}) if text else b""

    def aside(self, frame: Frame) -> bytes:
        return self._chunk({"role": "assistant", "content": ""}) if frame.type == "hello" else b""

    def end(self, why: Close) -> bytes:
        outcome = self._debate.outcome(why)
        if isinstance(outcome, Failure):
            return _event(outcome.body)
        last = self._chunk({}, outcome.reason)
        if self._include_usage and outcome.usage is not None:
            last += _event({**self._envelope, "choices": [], "usage": outcome.usage})
        return last + b"data: [DONE]\n\n"

    def _chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._include_usage else {}
        return _event({**self._envelope, "choices": [choice], **usage})


# Its shapes


def _event(value: Mapping[str, Any]) -> bytes:
    # ASCII: some clients take some other characters for ends of lines.
    return f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()


def _error(message: str, type_: str, code: str, param: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


def _type(http_status: int) -> str:
    if http_status >= 500:
        return "server_error"
    return "rate_limit_error" if http_status == 429 else "invalid_request_error"


def _model(name: str, panel: Panel) -> dict[str, Any]:
    described = {"name": panel.title, "description": panel.description}
    return {"id": name, "object": "model", "created": PANELS_SINCE, "owned_by": "outcry", **described}


def _usage(summary: Mapping[str, Any]) -> dict[str, int] | None:
    read, written = summary["input_tokens"], summary["output_tokens"]
    if read is None or written is None:
        return None
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _body(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except InvalidInput as refused:
        problem = refused.problems[0]
        raise BadRequest(problem.field, problem.message) from None


def _may_be_retried(refused: OutcryError) -> bool:
    """Whether the same may go better in a moment; then nothing was started."""
    if isinstance(refused, LimitReached):
        return refused.retry_after is not None and refused.retry_after <= LONGEST_RETRY_SECONDS
    return not isinstance(refused, Unanswered | Fault | StorageFull) and refused.http_status >= 500
