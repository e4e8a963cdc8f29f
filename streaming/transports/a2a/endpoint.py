"""A2A: a debate as a task of an agent, for other agents, by the protocol's own types (1.0, and 0.3 over JSON-RPC).

GET  /.well-known/agent-card.json     what this agent can do, and how to sign in
POST {path}                           JSON-RPC: SendMessage, SendStreamingMessage, GetTask, ListTasks, CancelTask,
                                      SubscribeToTask, and 0.3's message/send, message/stream, tasks/get ...
     {path}message:send ...           the same methods as HTTP+JSON

A task is a conversation, so any process answers for any task.

1. A message without a task starts a debate: its first text part is the question, further ones are the content, and a
   part of data holds what else POST /api/conversations/ takes. The same message again starts no second one.
2. A message to a task answers the question that an agent has asked; without one, it is sent to the panel.
3. A stream begins with the task so far; its updates repeat no text.

The SDK's dispatchers parse requests and write immediate answers and errors. A streamed or delayed answer is a response
of `streaming.http.stream_response`, for the task in `Agent.following`.
"""

import json
import re
from typing import Any, Final

from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from a2a.server.routes.rest_routes import create_rest_routes
from django.conf import settings
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message
from starlette.types import Scope as ASGIScope

from conversations.domain.errors import InvalidInput, NotFound, OutcryError
from streaming.http.endpoint import Endpoint, MethodNotAllowed
from streaming.http.request import Request
from streaming.http.responses import JSONResponse
from streaming.transports.a2a.agent import Agent
from streaming.transports.a2a.bindings import STATUSES, Rest, Rpc03, Rpc10
from streaming.transports.a2a.card import card
from streaming.transports.a2a.task_response import task_response

CARD: Final = "/.well-known/agent-card.json"
# For a streaming method the SDK is asked for the method without a stream, and our stream follows.
_WITHOUT_STREAM: Final = {
    "SendStreamingMessage": "SendMessage",
    "SubscribeToTask": "GetTask",
    "message/stream": "message/send",
    "tasks/resubscribe": "tasks/get",
    "message:stream": "message:send",
}


def routes() -> list[Route]:
    path = f"/{settings.OUTCRY_A2A_PATH}"
    return [Route(CARD, GetCard()), Route(path, CallRpc()), Route(f"{path}{{method:path}}", CallRest())]


class CallRpc(Endpoint):
    """JSON-RPC, of both versions."""

    async def post(self, request: Request) -> ASGIApp:
        principal = await request.authenticate()
        body = await request.body()
        call = _decoded(body)
        method = call.get("method") if isinstance(call, dict) else None
        short = _WITHOUT_STREAM.get(method) if isinstance(method, str) else None
        if short is not None:
            body = json.dumps({**call, "method": short}).encode()
        agent = Agent(principal, streams=short is not None)
        dispatcher = JsonRpcDispatcher(agent, enable_v0_3_compat=True)
        response = await dispatcher.handle_requests(_with_body(request.scope, body))
        binding = Rpc03(_id_of(call)) if "/" in str(method) else Rpc10(_id_of(call))
        return _answer(agent, binding, response)

    def error_body(self, error: OutcryError, body: bytes) -> Any:
        code = -32600 if error.http_status < 500 else -32603
        if isinstance(error, InvalidInput):
            code = -32602
        try:
            id_ = _id_of(_decoded(body))
        except InvalidInput:
            id_ = None
        described = {"code": code, "message": error.message, "data": _details(error)}
        return {"jsonrpc": "2.0", "id": id_, "error": described}


class CallRest(Endpoint):
    """HTTP+JSON."""

    async def post(self, request: Request) -> ASGIApp:
        principal = await request.authenticate()
        body = await request.body()
        if body:
            _decoded(body)
        method, scope = request.path_params["method"], dict(request.scope)
        short = _WITHOUT_STREAM.get(method)
        if short is not None:
            scope["path"] = _path(short)
        elif subscribed := re.fullmatch(r"(tasks/[^/]+):subscribe", method):
            short, body = subscribed[1], b""
            scope |= {"path": _path(short), "method": "GET", "query_string": b""}
        agent = Agent(principal, streams=short is not None)
        response = await _dispatch(agent, scope, body)
        return _answer(agent, Rest(), response)

    get = delete = post

    def error_body(self, error: OutcryError, body: bytes) -> Any:
        status = STATUSES.get(error.http_status, "INTERNAL")
        described = {"code": error.http_status, "status": status, "message": error.message}
        return {"error": {**described, "details": _details(error)}}


class GetCard(Endpoint):
    """The agent card. It needs no sign-in."""

    async def get(self, request: Request) -> ASGIApp:
        described = agent_card_to_dict(card(settings.OUTCRY_SITE_URL))
        return JSONResponse(described, headers={"cache-control": "public, max-age=300"})

    head = get


def _answer(agent: Agent, binding: Rest, response: Response) -> ASGIApp:
    """The SDK's response, or the agent's refusal, or the response that follows a task."""
    if agent.refused is not None:
        raise agent.refused
    if agent.following is not None:
        return task_response(agent.principal, agent.following, binding)
    response.headers["cache-control"] = "no-store"
    return response


async def _dispatch(agent: Agent, scope: ASGIScope, body: bytes) -> Response:
    """The response of the SDK's REST method at this address. Raises NotFound and MethodNotAllowed."""
    is_known = False
    # Without the last route, which is for tenants and would match any address of two segments.
    for route in create_rest_routes(agent, path_prefix=_path("").rstrip("/"))[:-1]:
        match, found = route.matches(scope)
        if isinstance(route, Route) and match is Match.FULL:
            response: Response = await route.endpoint(_with_body({**scope, **found}, body))
            return response
        is_known |= match is Match.PARTIAL
    if is_known:
        raise MethodNotAllowed("Use another method here.")
    raise NotFound("There is nothing at this address.")


def _path(method: str) -> str:
    return f"/{settings.OUTCRY_A2A_PATH}{method}"


def _with_body(scope: ASGIScope, body: bytes) -> StarletteRequest:
    """A request for the SDK, which reads the body itself."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return StarletteRequest(scope, receive)


def _id_of(call: Any) -> str | int | None:
    """The id of a JSON-RPC call; None if it has no valid one."""
    id_ = call.get("id") if isinstance(call, dict) else None
    return id_ if isinstance(id_, str | int) and not isinstance(id_, bool) else None


def _decoded(body: bytes) -> Any:
    """The body as JSON; None if it is not JSON, which the SDK reports itself. Raises InvalidInput for bodies that would
    break the SDK: not UTF-8, with lone surrogates, or nested too deeply to parse."""
    try:
        call = json.loads(body)
        json.dumps(call, ensure_ascii=False).encode()
    except json.JSONDecodeError:
        return None
    except (ValueError, RecursionError):
        raise InvalidInput.of("body", "json", "The body must be JSON in valid UTF-8.") from None
    return call


def _details(error: OutcryError) -> list[dict[str, Any]]:
    """The error's details, as google.rpc types."""
    prefix = "type.googleapis.com/google.rpc."
    info = {"@type": f"{prefix}ErrorInfo", "reason": error.code.upper(), "domain": "outcry", "metadata": {}}
    if not isinstance(error, InvalidInput):
        return [info]
    violations = [{"field": problem.field, "description": problem.message} for problem in error.problems]
    return [info, {"@type": f"{prefix}BadRequest", "fieldViolations": violations}]
