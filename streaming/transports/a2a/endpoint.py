"""A2A: a debate as a task of an agent, for other agents, by the protocol's own types (1.0, and 0.3 over JSON-RPC).

GET  /.well-known/agent-card.json     what this agent can, and how to sign in
POST {path}                           JSON-RPC: SendMessage, SendStreamingMessage, GetTask, ListTasks, CancelTask,
                                      SubscribeToTask, and 0.3's message/send, message/stream, tasks/get ...
     {path}message:send ...           the same as HTTP+JSON

A task is a conversation, so any process answers for any task. A message without a task starts a debate: its first text
part is the question, further ones are the content, and a part of data holds what else POST /api/conversations/ takes.
The same message again starts no second one. A message to a task answers the question that its agents have asked, else
it is said to the panel. A stream begins with the task as it stands; what follows has each word once.

The SDK reads requests and writes errors. What lasts is ours: it hands over nothing but what to follow, and the response
is a watcher's like any other's.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from a2a.server.context import ServerCallContext
from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.server.routes import ServerCallContextBuilder, create_jsonrpc_routes, create_rest_routes
from django.conf import settings
from starlette.routing import Router

from conversations.domain.errors import InvalidInput, NotFound, OutcryError, Problem
from streaming.http import request as exchange
from streaming.http.endpoint import Endpoint, MethodNotAllowed
from streaming.http.request import Request
from streaming.http.stream_response import Stream, headers, respond
from streaming.transports.a2a.agent import Call, Following, Handler
from streaming.transports.a2a.bindings import STATUSES, Dialect, Http, Items, Rpc03, Rpc10, Whole
from streaming.transports.a2a.card import card
from streaming.transports.a2a.task_store import TRANSPORT

CARD: Final = "/.well-known/agent-card.json"
# Streams begin as their twins without a stream do.
TWINS: Final[Mapping[str, str]] = {
    "SendStreamingMessage": "SendMessage",
    "SubscribeToTask": "GetTask",
    "message/stream": "message/send",
    "tasks/resubscribe": "tasks/get",
}


def doors() -> list[tuple[str, Endpoint]]:
    """The addresses of this transport."""
    path = re.escape(f"/{settings.OUTCRY_A2A_PATH}")
    return [(re.escape(CARD), Card()), (path, Rpc()), (f"{path}(?P<rest>.+)", Rest())]


@cache
def _agent(path: str) -> Router:
    """The SDK's own application, for what does not last."""
    handler, builder = Handler(), Context()
    rpc = create_jsonrpc_routes(handler, path, context_builder=builder, enable_v0_3_compat=True)
    # The last route takes every path of two segments.
    rest = create_rest_routes(handler, context_builder=builder, path_prefix=path.rstrip("/"))[:-1]
    return Router([*rpc, *rest], redirect_slashes=False)


class Context(ServerCallContextBuilder):
    """What the handler gets to know of a request."""

    def build(self, request: Any) -> ServerCallContext:
        return ServerCallContext(
            state={"call": request.scope["outcry.call"], "headers": dict(request.headers)}
        )


@dataclass
class Answer:
    """What the SDK's application says, and the `send` and `receive` that it gets."""

    asked: bytes
    status: int = 0
    content_type: str = ""
    body: bytearray = field(default_factory=bytearray)

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self.asked, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            named = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
            self.content_type = named.get("content-type", "")
        else:
            self.body += message.get("body", b"")


async def _serve(
    request: Request, call: Call, dialect: Dialect, changed: Mapping[str, Any], receive: Any, send: Any
) -> None:
    """Have the SDK answer the request as it was `changed`, or follow what comes of it."""
    answer = Answer(changed.get("body", request.body))
    headers = [pair for pair in request.scope["headers"] if pair[0].lower() != b"content-length"]
    scope = {**request.scope, **changed, "headers": headers, "outcry.call": call}
    await _agent(f"/{settings.OUTCRY_A2A_PATH}")(scope, answer.receive, answer.send)
    if call.refused is not None:
        raise call.refused
    if call.following is not None:
        await _follow(request, call, call.following, dialect, receive, send)
        return
    if answer.status == 405:
        raise MethodNotAllowed("Use another method here.")
    if "json" not in answer.content_type:
        raise NotFound("There is nothing at this address.")
    described = [("content-type", answer.content_type), ("cache-control", "no-store")]
    described.append(("content-length", str(len(answer.body))))
    start = {"type": "http.response.start", "status": answer.status}
    await send({**start, "headers": exchange.headers(described)})
    await send({"type": "http.response.body", "body": bytes(answer.body)})


async def _follow(
    request: Request, call: Call, following: Following, dialect: Dialect, receive: Any, send: Any
) -> None:
    told = following.told
    after, pk = told.head, following.conversation
    if not following.waits:
        items = Stream(TRANSPORT, call.visitor, pk, after, Items(told, dialect), headers(pk))
        await respond(request, items, receive, send)
        return
    whole = Whole(told, dialect, is_sent=following.is_sent)
    if isinstance(dialect, Http):
        send = Late(whole, send)
    described = headers(pk, dialect.content_type)
    answer = Stream(TRANSPORT, call.visitor, pk, after, whole, described, enough=whole.enough)
    timer = None
    if following.seconds is not None:
        timer = asyncio.get_running_loop().call_later(following.seconds, whole.enough.set)
    try:
        await respond(request, answer, receive, send)
    finally:
        if timer is not None:
            timer.cancel()


class Late:
    """The `send` of a whole answer by HTTP+JSON, where the status says what came of it: it goes out with the first
    bytes. An answer that breaks off behind a status of 200 is cut off, for nothing else tells it from a whole one."""

    def __init__(self, whole: Whole, send: Any) -> None:
        self._whole = whole
        self._send = send
        self._start: Any = None
        self._told = 0

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            self._told = self._whole.http_status
            await self._send({**start, "status": self._told})
        elif self._told != self._whole.http_status:
            raise ConnectionAbortedError("The answer broke off.")
        await self._send(message)


class Rpc(Endpoint):
    """JSON-RPC, of both versions."""

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        visitor = await request.visitor()
        asked = _decoded(request.body)
        method = asked.get("method") if isinstance(asked, dict) else None
        twin = TWINS.get(method) if isinstance(method, str) else None
        changed: dict[str, Any] = (
            {} if twin is None else {"body": json.dumps({**asked, "method": twin}).encode()}
        )
        known = _id_of(asked)
        dialect = Rpc03(known) if "/" in str(method) else Rpc10(known)
        await _serve(request, Call(visitor, streams=twin is not None), dialect, changed, receive, send)

    def refusal(self, refused: OutcryError, request: Request | None) -> Any:
        code = (
            -32602 if isinstance(refused, InvalidInput) else -32600 if refused.http_status < 500 else -32603
        )
        error = {"code": code, "message": refused.message, "data": _details(refused)}
        return {"jsonrpc": "2.0", "id": None if request is None else _id(request.body), "error": error}


def _id(body: bytes) -> str | int | None:
    """Which call the body is, where that can be read."""
    try:
        return _id_of(_decoded(body))
    except InvalidInput:
        return None


def _id_of(asked: Any) -> str | int | None:
    id_ = asked.get("id") if isinstance(asked, dict) else None
    return id_ if isinstance(id_, str | int) and not isinstance(id_, bool) else None


def _decoded(body: bytes) -> Any:
    """The body as JSON; None where it is none, which the SDK says. Raises InvalidInput for what would break it."""
    try:
        asked = json.loads(body)
        # Half of a character can be in no answer.
        json.dumps(asked, ensure_ascii=False).encode()
    except json.JSONDecodeError:
        return None
    except (ValueError, RecursionError):
        raise InvalidInput([Problem("body", "json", "The body must be JSON, in whole characters.")]) from None
    return asked


class Rest(Endpoint):
    """HTTP+JSON."""

    methods = frozenset({"DELETE", "GET", "POST"})

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        visitor = await request.visitor()
        if request.body:
            _decoded(request.body)
        rest = found["rest"]
        twin: dict[str, Any] | None = None
        if rest == "message:stream":
            twin = {"path": self._path("message:send")}
        elif subscribed := re.fullmatch(r"(tasks/[^/]+):subscribe", rest):
            path = self._path(subscribed[1])
            twin = {"path": path, "method": "GET", "query_string": b"", "body": b""}
        await _serve(request, Call(visitor, streams=twin is not None), Http(), twin or {}, receive, send)

    def refusal(self, refused: OutcryError, request: Request | None) -> Any:
        status = STATUSES.get(refused.http_status, "INTERNAL")
        error = {"code": refused.http_status, "status": status, "message": refused.message}
        return {"error": {**error, "details": _details(refused)}}

    def _path(self, rest: str) -> str:
        return f"/{settings.OUTCRY_A2A_PATH}{rest}"


def _details(refused: OutcryError) -> list[dict[str, Any]]:
    type_ = "type.googleapis.com/google.rpc."
    info = {"@type": f"{type_}ErrorInfo", "reason": refused.code.upper(), "domain": "outcry", "metadata": {}}
    if not isinstance(refused, InvalidInput):
        return [info]
    broken = [{"field": problem.field, "description": problem.message} for problem in refused.problems]
    return [info, {"@type": f"{type_}BadRequest", "fieldViolations": broken}]


class Card(Endpoint):
    """Who this agent is. For everybody."""

    methods = frozenset({"GET", "HEAD"})

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        body = json.dumps(agent_card_to_dict(card(request.site))).encode()
        described = [
            ("content-type", "application/json"),
            ("cache-control", "public, max-age=300"),
            ("content-length", str(len(body))),
        ]
        start = {"type": "http.response.start", "status": 200, "headers": exchange.headers(described)}
        await send(start)
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
