"""OpenAI's Chat Completions: a panel takes the place of a model.

POST {path}chat/completions   start a debate and follow it, streamed or whole
GET  {path}models             the panels, as models; also those that the sender has composed
GET  {path}models/{id}        one of them
POST {path}responses          404: names the first address

The answer is the debate as Markdown (`streaming.transports.openai.markdown`). It ends with a finish reason and [DONE]
only where the debate was completed; any other end is an error. The debate goes on when the client disconnects, unless
the request asked to cancel it then. docs/openai.md lists every parameter. What a chat client asks beside its chat, such
as a title, gets a short answer without a debate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ASGIScope

from conversations.access import permissions
from conversations.access.principals import Principal
from conversations.domain.enums import Scope
from conversations.domain.errors import InvalidInput, NotFound, OutcryError
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import debates, panels, short_answers
from streaming.http.endpoint import Endpoint
from streaming.http.request import Request
from streaming.http.responses import JSONResponse, conversation_header
from streaming.http.stream_response import StreamResponse
from streaming.transports.openai import errors
from streaming.transports.openai.cancellation import cancel_soon
from streaming.transports.openai.encoder import ChunkEncoder, CompletionEncoder, WholeEncoder
from streaming.transports.openai.errors import NO_RETRY, Unanswered
from streaming.transports.openai.request import (
    COMPOSED,
    MODELS,
    BadRequest,
    CompletionRequest,
    TaskRequest,
    as_bad_request,
    composed,
    no_such_model,
    parse,
)
from streaming.transports.openai.responses import ChatModel, ChatModels
from streaming.transports.openai.task_response import task_response
from streaming.transports.openai.tasks import TASKS_MODEL

logger = structlog.get_logger(__name__)

TRANSPORT: Final = "openai"
# Clients require a model's creation date: that of the first panel.
PANELS_SINCE: Final = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
TASKS: Final = ChatModel(
    id=TASKS_MODEL,
    object="model",
    created=PANELS_SINCE,
    owned_by="outcry",
    name="Tasks",
    description="Short answers for chat clients, such as titles and tags, without a debate.",
)


def routes() -> list[Route]:
    path = f"/{settings.OUTCRY_OPENAI_PATH}"
    return [
        Route(f"{path}chat/completions", CreateCompletion()),
        Route(f"{path}models", ListModels()),
        Route(f"{path}models/{{model:path}}", GetModel()),
        Route(f"{path}responses", NoResponses()),
    ]


class OpenAIEndpoint(Endpoint):
    """An endpoint whose errors are OpenAI's."""

    def error_body(self, error: OutcryError, body: bytes) -> Any:
        return errors.body(error)

    def error_headers(self, error: OutcryError) -> dict[str, str]:
        headers = {} if errors.may_be_retried(error) else dict(NO_RETRY)
        return headers | conversation_header(error.conversation) if isinstance(error, Unanswered) else headers


class ListModels(OpenAIEndpoint):
    """Lists the panels, and the model for a client's tasks."""

    async def get(self, request: Request) -> ASGIApp:
        principal = await request.authenticate()
        own = await database.call(panels.listed, principal.user)
        models = [*map(_model, MODELS), TASKS, *map(_composed, own)]
        return JSONResponse(ChatModels(object="list", data=models).model_dump())


class GetModel(OpenAIEndpoint):
    """Describes one of them."""

    async def get(self, request: Request) -> ASGIApp:
        principal = await request.authenticate()
        name = request.path_params["model"]
        if name == TASKS_MODEL:
            return JSONResponse(TASKS.model_dump())
        if (panel := composed(name)) is not None:
            return JSONResponse(_composed(await _own(principal, panel)).model_dump())
        if name not in MODELS:
            raise no_such_model()
        return JSONResponse(_model(name).model_dump())


class NoResponses(OpenAIEndpoint):
    """The address of OpenAI's Responses, which some clients use unless they are told otherwise."""

    async def get(self, request: Request) -> ASGIApp:
        address = f"/{settings.OUTCRY_OPENAI_PATH}chat/completions"
        raise NotFound(f"The Responses API is not offered here. Use Chat Completions: POST {address}.")

    delete = post = get


class CreateCompletion(OpenAIEndpoint):
    """Starts a debate, or finds one, and sends its text; or answers a client's task."""

    async def post(self, request: Request) -> ASGIApp:
        principal = await request.authenticate(Scope.WATCH, streams=True)
        completion = parse(await _json(request))
        if isinstance(completion, TaskRequest):
            # It costs as a debate does.
            principal.require(Scope.START)
            task = completion.task
            answer = await short_answers.answer(principal.user, task.text, task.unanswered)
            return task_response(completion, answer)
        if completion.cancel_on_disconnect:
            principal.require(Scope.CONTROL)
        if completion.conversation is not None:
            conversation = await database.call(permissions.watch, principal.user, completion.conversation)
        else:
            principal.require(Scope.START)
            if (panel := composed(completion.model)) is not None:
                await _own(principal, panel)
            conversation = await _started(principal, completion)
        return CompletionResponse(principal, completion, conversation)


@dataclass(frozen=True)
class CompletionResponse:
    """The response, as an ASGI application. A failure before its first byte becomes Unanswered, which clients do not
    retry, because a retry would start a second debate."""

    principal: Principal
    completion: CompletionRequest
    conversation: Conversation

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        response = StreamResponse(TRANSPORT, self.principal, self.conversation.pk, 0, self._encoder())
        try:
            await response(scope, receive, send)
        except Exception as failure:
            logger.exception("answer_failed", conversation=str(self.conversation.pk))
            raise Unanswered(self.conversation.pk) from failure
        if response.has_client_left and self.completion.cancel_on_disconnect:
            cancel_soon(self.principal, self.conversation.pk)

    def _encoder(self) -> CompletionEncoder:
        envelope = {
            "id": f"chatcmpl-{self.conversation.pk}",
            "created": int(self.conversation.created_at.timestamp()),
            "model": self.completion.model,
        }
        rounds = self.conversation.rounds
        page = settings.OUTCRY_SITE_URL + self.conversation.get_absolute_url()
        if not self.completion.streamed:
            return WholeEncoder(envelope, rounds, page)
        return ChunkEncoder(envelope, rounds, page, include_usage=self.completion.include_usage)


async def _started(principal: Principal, completion: CompletionRequest) -> Conversation:
    try:
        return await debates.start(principal.user, completion.new)
    except InvalidInput as refused:
        raise as_bad_request(refused) from None


async def _json(request: Request) -> dict[str, Any]:
    try:
        return await request.json_object()
    except InvalidInput as refused:
        problem = refused.problems[0]
        raise BadRequest(problem.field, problem.message) from None


async def _own(principal: Principal, panel: UUID) -> dict[str, Any]:
    """What is listed of the sender's panel. Raises BadRequest."""
    try:
        version = await database.call(panels.owned, principal.user, panel)
    except NotFound:
        raise no_such_model() from None
    return panels.summary(version)


def _composed(panel: Mapping[str, Any]) -> ChatModel:
    return ChatModel(
        id=f"{COMPOSED}{panel['id']}",
        object="model",
        created=int(panel["created_at"].timestamp()),
        owned_by="outcry",
        name=panel["name"],
        description=panel["description"],
    )


def _model(name: str) -> ChatModel:
    team = MODELS[name]
    return ChatModel(
        id=name,
        object="model",
        created=PANELS_SINCE,
        owned_by="outcry",
        name=team.title,
        description=team.description,
    )
