"""Server-Sent Events: every event of a conversation as text, for browsers' EventSource and for whatever reads lines.

GET  {path}{id}/stream?after=N&rate=R     follow a conversation; a Last-Event-ID header is the cursor, and comes first
POST {path}stream                         start one, with the body of POST /api/conversations/, and follow it

`id:` is the seq, `event:` the type, `data:` the frame as every transport sends it. What is not in the log has no id.
The response ends after the terminal status; asked again from there, the answer is 204, which an EventSource takes for
the end. One that breaks off before asks again by itself, from its last id.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

from conversations.access import permissions
from conversations.domain import requests
from conversations.domain.enums import Scope
from conversations.domain.errors import InvalidInput
from conversations.domain.frames import Frame
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import debates
from streaming.http import request as exchange
from streaming.http.endpoint import Endpoint
from streaming.http.request import Request, Visitor
from streaming.http.stream_response import SILENCE, Stream, headers, respond
from streaming.wire import client_commands
from streaming.wire.close_codes import Close

TRANSPORT: Final = "sse"
# How long an EventSource waits before it comes back, in milliseconds.
RETRY_MS: Final = 2_000


def doors() -> list[tuple[str, Endpoint]]:
    """The addresses of this transport."""
    path = re.escape(f"/{settings.OUTCRY_SSE_PATH}")
    return [(f"{path}stream", Starting()), (f"{path}(?P<conversation>[^/]+)/stream", Following())]


class Following(Endpoint):
    """Follows a conversation from a cursor."""

    methods = frozenset({"GET"})

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        visitor = await request.visitor()
        visitor.caller.require(Scope.WATCH)
        after = _cursor(request.headers, request.query)
        rate = client_commands.rate(request.query.get("rate"))
        conversation = await database.call(
            permissions.watch, visitor.caller.user, client_commands.conversation(found["conversation"])
        )
        if conversation.is_finished and after == conversation.head:
            await exchange.answer(send, 204, None)
            return
        await respond(request, _stream(visitor, conversation, after, rate), receive, send)


class Starting(Endpoint):
    """Starts a conversation and follows it from its beginning."""

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        visitor = await request.visitor()
        visitor.caller.require(Scope.START)
        visitor.caller.require(Scope.WATCH)
        conversation = await debates.start(visitor.caller.user, requests.parse(request.json()))
        await respond(request, _stream(visitor, conversation, 0, None), receive, send)


class Lines:
    """The encoder: a block of lines for each event."""

    silence = SILENCE

    def __init__(self) -> None:
        self._begun = False

    def frame(self, frame: Frame) -> bytes:
        return self._block(frame, f"id: {frame.seq}\n")

    def aside(self, frame: Frame) -> bytes:
        # Comments say that the connection lives.
        return b"" if frame.type == "heartbeat" else self._block(frame, "")

    def end(self, why: Close) -> bytes:
        if why is Close.ENDED:
            return b""
        # Not called an error: that is an EventSource's own word for a line that broke.
        told = {"reason": why.name.lower(), "code": int(why), "retryable": why.retryable}
        return f"event: closed\ndata: {json.dumps(told)}\n\n".encode()

    def _block(self, frame: Frame, first: str) -> bytes:
        # In the first event's block: some clients take one that has no data for an event.
        retry, self._begun = "" if self._begun else f"retry: {RETRY_MS}\n", True
        return f"{retry}{first}event: {frame.type}\ndata: {_one_line(frame.text)}\n\n".encode()


# A frame is JSON on one line; but some clients take these for ends of lines, too.
_ENDS: Final = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\u0085": "\\u0085"})


def _one_line(text: str) -> str:
    return text if text.isascii() else text.translate(_ENDS)


def _stream(visitor: Visitor, conversation: Conversation, after: int, rate: float | None) -> Stream:
    return Stream(TRANSPORT, visitor, conversation.pk, after, Lines(), headers(conversation.pk), rate)


def _cursor(asked: Mapping[str, str], query: Mapping[str, str]) -> int:
    # An EventSource that comes back asks for the same address, with the cursor it began with.
    # Some clients send an empty one before their first event.
    if not (last := asked.get("last-event-id")):
        return client_commands.cursor(query.get("after"))
    try:
        return client_commands.cursor(last)
    except InvalidInput as refused:
        problems = [
            type(problem)("Last-Event-ID", problem.rule, problem.message) for problem in refused.problems
        ]
        raise InvalidInput(problems) from None
