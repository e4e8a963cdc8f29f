"""OpenAI's Chat Completions: a panel takes the place of a model.

POST {path}chat/completions   start a debate and follow it, streamed or whole
GET  {path}models             the panels, as models
GET  {path}models/{id}        one of them

The answer is the debate as Markdown (`streaming.transports.openai.markdown`). It ends with a finish reason and [DONE]
only where the debate was completed; any other end is an error. The debate goes on when the client disconnects, unless
the request asked to cancel it then. docs/openai.md lists every parameter.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.conf import settings
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as ASGIScope

from conversations.access import permissions
from conversations.access.principals import Principal
from conversations.domain.enums import Scope
from conversations.domain.errors import InvalidInput, OutcryError
from conversations.domain.panels import Panel
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import debates
from streaming.http.endpoint import Endpoint
from streaming.http.request import Request
from streaming.http.responses import JSONResponse, conversation_header
from streaming.http.stream_response import StreamResponse
from streaming.transports.openai import errors
from streaming.transports.openai.cancellation import cancel_soon
from streaming.transports.openai.encoder import ChunkEncoder, WholeEncoder
from streaming.transports.openai.errors import NO_RETRY, Failure, Unanswered
from streaming.transports.openai.request import MODELS, BadRequest, CompletionRequest, find_model, parse
from streaming.transports.openai.responses import ChatCompletion, ChatModel, ChatModels

logger = structlog.get_logger(__name__)

TRANSPORT: Final = "openai"
# Clients require a model's creation date: that of the first panel.
PANELS_SINCE: Final = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())


def routes() -> list[Route]:
    path = f"/{settings.OUTCRY_OPENAI_PATH}"
    return [
        Route(f"{path}chat/completions", CreateCompletion()),
        Route(f"{path}models", ListModels()),
        Route(f"{path}models/{{model:path}}", GetModel()),
    ]


class OpenAIEndpoint(Endpoint):
    """An endpoint whose errors are OpenAI's."""

    def error_body(self, error: OutcryError, body: bytes) -> Any:
        return errors.body(error)

    def error_headers(self, error: OutcryError) -> dict[str, str]:
        headers = {} if errors.may_be_retried(error) else dict(NO_RETRY)
        return headers | conversation_header(error.conversation) if isinstance(error, Unanswered) else headers


class ListModels(OpenAIEndpoint):
    """Lists the panels."""

    async def get(self, request: Request) -> ASGIApp:
        await request.authenticate()
        models = [_model(name, panel) for name, panel in MODELS.items()]
        return JSONResponse(ChatModels(object="list", data=models).model_dump())


class GetModel(OpenAIEndpoint):
    """Describes a panel."""

    async def get(self, request: Request) -> ASGIApp:
        await request.authenticate()
        return JSONResponse(_model(*find_model(request.path_params["model"])).model_dump())


class CreateCompletion(OpenAIEndpoint):
    """Starts a debate, or finds one, and sends its text."""

    async def post(self, request: Request) -> ASGIApp:
        principal = await request.authenticate(streams=True)
        principal.require(Scope.WATCH)
        completion = parse(await _json(request))
        if completion.cancel_on_disconnect:
            principal.require(Scope.CONTROL)
        if completion.conversation is not None:
            conversation = await database.call(permissions.watch, principal.user, completion.conversation)
        else:
            principal.require(Scope.START)
            conversation = await debates.start(principal.user, completion.new)
        return CompletionResponse(principal, completion, conversation)


@dataclass(frozen=True)
class CompletionResponse:
    """The response, as an ASGI application. A failure before its first byte becomes Unanswered, which clients do not
    retry, because a retry would start a second debate."""

    principal: Principal
    completion: CompletionRequest
    conversation: Conversation

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        send_text = self._send_chunks if self.completion.streamed else self._send_whole
        try:
            has_client_left = await send_text(scope, receive, send)
        except Exception as failure:
            logger.exception("answer_failed", conversation=str(self.conversation.pk))
            raise Unanswered(self.conversation.pk) from failure
        if has_client_left and self.completion.cancel_on_disconnect:
            cancel_soon(self.principal, self.conversation.pk)

    @property
    def _envelope(self) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.conversation.pk}",
            "created": int(self.conversation.created_at.timestamp()),
            "model": self.completion.model,
        }

    async def _send_chunks(self, scope: ASGIScope, receive: Receive, send: Send) -> bool:
        encoder = ChunkEncoder(
            self._envelope, self.conversation.rounds, include_usage=self.completion.include_usage
        )
        response = StreamResponse(TRANSPORT, self.principal, self.conversation.pk, 0, encoder)
        await response(scope, receive, send)
        return response.has_client_left

    async def _send_whole(self, scope: ASGIScope, receive: Receive, send: Send) -> bool:
        """Wait for the end before anything is sent: the status code depends on it."""
        encoder = WholeEncoder(self.conversation.rounds)
        waiting = StreamResponse(TRANSPORT, self.principal, self.conversation.pk, 0, encoder)
        await waiting(scope, receive, _send_nothing)
        if not waiting.has_client_left:
            await self._whole(encoder)(scope, receive, send)
        return waiting.has_client_left

    def _whole(self, encoder: WholeEncoder) -> JSONResponse:
        headers, outcome = conversation_header(self.conversation.pk), encoder.outcome
        if isinstance(outcome, Failure):
            return JSONResponse(outcome.body, outcome.http_status, {**headers, **NO_RETRY})
        message = {"role": "assistant", "content": "".join(encoder.text), "refusal": None}
        if thoughts := "".join(encoder.thoughts):
            message["reasoning_content"] = thoughts
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": outcome.reason}
        body = {**self._envelope, "object": "chat.completion", "choices": [choice], "usage": outcome.usage}
        return JSONResponse(
            ChatCompletion.model_validate(body).model_dump(exclude_unset=True), headers=headers
        )


async def _send_nothing(message: Message) -> None:
    """The `send` of a response that only waits."""


async def _json(request: Request) -> dict[str, Any]:
    try:
        return await request.json_object()
    except InvalidInput as refused:
        problem = refused.problems[0]
        raise BadRequest(problem.field, problem.message) from None


def _model(name: str, panel: Panel) -> ChatModel:
    return ChatModel(
        id=name,
        object="model",
        created=PANELS_SINCE,
        owned_by="outcry",
        name=panel.title,
        description=panel.description,
    )
