"""Server-Sent Events: every event of a conversation as text, for browsers' EventSource and line-based clients.

GET  {path}{id}/stream?after=N&rate=R     follow a conversation; a Last-Event-ID header takes precedence over `after`
POST {path}stream                         start one, with the body of POST /api/conversations/, and follow it

`id:` is the seq, `event:` the type, `data:` the frame as on every transport. A frame that is not in the log has no id.
The response ends after the terminal status. An EventSource then reconnects from there and gets a 204, which tells it to
stop; if the response breaks off earlier, it reconnects by itself from its last id.
"""

from typing import Final

from django.conf import settings
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from conversations.access import permissions
from conversations.domain import requests
from conversations.domain.enums import Scope
from conversations.domain.frames import Frame
from conversations.infrastructure import database
from conversations.services import debates
from streaming.http.endpoint import Endpoint
from streaming.http.request import Request
from streaming.http.stream_response import Encoder, StreamResponse, data_event, one_line
from streaming.wire import client_commands
from streaming.wire.close_codes import Close

TRANSPORT: Final = "sse"
# How long an EventSource waits before it reconnects, in milliseconds.
RETRY_MS: Final = 2_000


def routes() -> list[Route]:
    path = f"/{settings.OUTCRY_SSE_PATH}"
    return [Route(f"{path}stream", StartDebate()), Route(f"{path}{{conversation}}/stream", FollowDebate())]


class FollowDebate(Endpoint):
    """Streams a conversation from a cursor."""

    async def get(self, request: Request) -> ASGIApp:
        principal = await request.authenticate(Scope.WATCH, streams=True)
        after = _cursor(request)
        rate = client_commands.rate(request.query_params.get("rate"))
        conversation_id = client_commands.conversation(request.path_params["conversation"])
        conversation = await database.call(permissions.watch, principal.user, conversation_id)
        if conversation.is_finished and after == conversation.head:
            return Response(status_code=204)
        return StreamResponse(TRANSPORT, principal, conversation.pk, after, EventEncoder(), rate)


class StartDebate(Endpoint):
    """Starts a conversation and streams it from its beginning."""

    async def post(self, request: Request) -> ASGIApp:
        principal = await request.authenticate(Scope.START, Scope.WATCH, streams=True)
        new = requests.NewConversation.parse(await request.json_object())
        conversation = await debates.start(principal.user, new)
        return StreamResponse(TRANSPORT, principal, conversation.pk, 0, EventEncoder())


class EventEncoder(Encoder):
    """Encodes each frame as one event: a block of lines."""

    def event(self, frame: Frame) -> bytes:
        return _block(frame, f"id: {frame.seq}\n")

    def control(self, frame: Frame) -> bytes:
        """The frame as an event without an id. Heartbeats are left out, because keep-alive comments replace them."""
        if frame.type == "heartbeat":
            return b""
        # In the block of the first event: some clients take a block without data for an event.
        return _block(frame, f"retry: {RETRY_MS}\n" if frame.type == "hello" else "")

    def end(self, reason: Close) -> bytes:
        """A `closed` event, unless the conversation has ended. Its name is not `error`, which an EventSource dispatches
        itself when a connection is lost."""
        if reason is Close.ENDED:
            return b""
        payload = {"reason": reason.name.lower(), "code": int(reason), "retryable": reason.retryable}
        return b"event: closed\n" + data_event(payload)


def _block(frame: Frame, first_line: str) -> bytes:
    return f"{first_line}event: {frame.type}\ndata: {one_line(frame.text)}\n\n".encode()


def _cursor(request: Request) -> int:
    # A reconnecting EventSource requests its first URL, with an outdated `after`. Some clients send an empty
    # Last-Event-ID before their first event.
    if last := request.django.headers.get("last-event-id"):
        return client_commands.cursor(last, "Last-Event-ID")
    return client_commands.cursor(request.query_params.get("after"))
