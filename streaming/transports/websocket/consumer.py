"""The WebSocket: one JSON object a frame, in both directions; docs/protocol.md describes the frames.

/ws/conversations/{id}/?after=N&rate=R   watch a conversation: every event after the seq N (0: all of them), at most R
                                         tokens a second (no limit where it is not given)
/ws/conversations/                       wait for a `start`, and watch what it started

Frames that a client may send:

{"type": "ack", "seq": N, "waited_ms": M}        everything up to N has been taken, M milliseconds ago (0 if left out)
{"type": "control", "action": "pause_stream"}    hold this stream; resume_stream continues it
{"type": "control", "action": "pause"}           pause the debate; also resume, conclude and cancel
{"type": "input", "text": ..., "reply_to": ...}  a message to the panel, or the answer to the request `reply_to`,
                                                 which a null text skips
{"type": "start", "topic": ...}                  start a conversation and watch it, once a connection; the fields are
                                                 those of POST /api/conversations/
{"type": "ping"}                                 answered with pong

`control` and `input` take an `idempotency_key`: sent twice, it is one command. An API key needs the scope `watch` to
watch, `start` and `watch` to start, and `control` for commands to the debate and `input`.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, cast
from urllib.parse import parse_qs
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AbstractUser

from conversations.access import principals, rate_limits
from conversations.access.principals import Principal
from conversations.domain import requests
from conversations.domain.enums import Scope
from conversations.domain.errors import (
    InvalidInput,
    LimitReached,
    LogUnavailable,
    OutcryError,
    Problem,
    ScopeMissing,
    Unauthenticated,
)
from conversations.domain.events import Error
from conversations.infrastructure import database
from conversations.services import debates
from streaming.http import direct_send
from streaming.http.request import MAX_BODY
from streaming.hub.subscription import subscribe
from streaming.watchers import admission
from streaming.watchers.admission import joined_headers
from streaming.watchers.frame_rate import FrameRate
from streaming.watchers.registry import registry
from streaming.watchers.watcher import Watcher
from streaming.watchers.writers import writer_for
from streaming.wire import client_commands
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import Pong, wire_frame

TRANSPORT = "websocket"
MAX_FRAME_BYTES = 64 * 1024
# Of a frame on a connection that does not watch yet, which may be a `start` with content.
MAX_START_BYTES = MAX_BODY
# Close codes of connections that are refused before they watch, by the error's HTTP status.
_CLOSES: Final[Mapping[int, Close]] = {
    401: Close.UNAUTHENTICATED,
    403: Close.FORBIDDEN,
    404: Close.NOT_FOUND,
    422: Close.BAD_REQUEST,
    429: Close.TOO_MANY_CONNECTIONS,
    503: Close.UNAVAILABLE,
}


class ConversationSocket(AsyncWebsocketConsumer):
    """One connection and its watcher. Events go from the conversation's reader straight to the server's socket.

    1. `connect` accepts the connection, looks up its principal, and makes the watcher.
    2. `_follow` subscribes the watcher to the conversation; in the meantime commands are taken already.
    3. `receive` executes the client's frames.
    4. `disconnect` releases everything."""

    # No channel of its own: the reader is a member of the group, a watcher is not.
    channel_layer_alias = "none"

    _principal: Principal
    _rate: FrameRate
    _watcher: Watcher | None = None
    _following: "asyncio.Task[None] | None" = None
    _closing: "asyncio.Task[None] | None" = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._subscription = AsyncExitStack()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels' own first hops to a thread to close old database connections. Handlers here do not use the ORM in
        # this thread, and every client acknowledges once a second.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        # Accept before refusing: a browser does not expose the reason of a failed handshake.
        await self.accept()
        scope = cast("dict[str, Any]", self.scope)
        try:
            after, rate, conversation = _address(scope)
            self._principal = await admission.admit(joined_headers(scope["headers"]), conversation)
            rate_limits.read(str(self._principal.user.pk))
            registry().require_room(self._principal)
        except OutcryError as refused:
            if isinstance(refused, ScopeMissing):
                await self.send(wire_frame(None, _error(refused, None)).text)
            await self.close(int(_CLOSES[refused.http_status]))
            return
        self._rate = FrameRate(asyncio.get_running_loop().time())
        writer = writer_for(scope[direct_send.KEY])
        self._watcher = Watcher(self._principal, TRANSPORT, writer, self._close_soon, rate)
        registry().add(self._watcher)
        if conversation is not None:
            self._start_following(self._watcher, conversation, after)

    async def disconnect(self, code: int) -> None:
        if self._watcher is None:
            return
        self._watcher.leave(code)
        registry().remove(self._watcher)
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        await self._subscription.aclose()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        watcher = self._watcher
        if watcher is None or watcher.closed is not None:
            # The client sent it before it received our close.
            return
        most = MAX_START_BYTES if self._following is None else MAX_FRAME_BYTES
        if len(bytes_data or (text_data or "").encode()) > most:
            watcher.end(Close.TOO_LARGE)
            return
        if not self._rate.allows(asyncio.get_running_loop().time()):
            watcher.end(Close.TOO_MANY_FRAMES)
            return
        watcher.received()
        key = None
        try:
            command, fields = client_commands.command(text_data)
            key = client_commands.key(fields)
            await self._execute(watcher, command, fields)
        except Unauthenticated:
            watcher.end(Close.UNAUTHENTICATED)
        except InvalidInput as refused:
            for problem in refused.problems:
                watcher.notify(_error(refused, key, problem))
        except OutcryError as refused:
            watcher.notify(_error(refused, key))
        except Exception as failure:
            watcher.fail(failure)

    async def _execute(self, watcher: Watcher, command: str, fields: Mapping[str, Any]) -> None:
        match command:
            case "ack":
                watcher.ack(*client_commands.ack(fields, watcher.cursor))
            case "ping":
                watcher.notify(Pong())
            case "control":
                await self._control(watcher, fields)
            case "input":
                message = requests.Input.parse(fields)
                await debates.say(await self._user(Scope.CONTROL), _watched(watcher), message)
            case "start" if self._following is None:
                new = requests.NewConversation.parse(fields)
                conversation = await debates.start(await self._user(Scope.START, Scope.WATCH), new)
                self._start_following(watcher, conversation.pk, 0)
            case "start":
                raise InvalidInput.of(
                    "type", "already_watching", "This connection already watches a conversation."
                )
            case _:
                known = "Known types are ack, control, input, ping and start."
                raise InvalidInput.of("type", "unknown_type", known)

    async def _control(self, watcher: Watcher, fields: Mapping[str, Any]) -> None:
        conversation = _watched(watcher)
        match fields.get("action"):
            case "pause_stream" | "resume_stream" if watcher.delivery is None:
                raise _not_watching()
            case "pause_stream":
                watcher.pause()
            case "resume_stream":
                watcher.resume()
            case _:
                command = requests.Command.parse(fields)
                await debates.control(await self._user(Scope.CONTROL), conversation, command)

    async def _user(self, *scopes: Scope) -> AbstractUser:
        """The connection's user, read from the database. Raises Unauthenticated, and ScopeMissing if the API key lacks
        one of the scopes."""
        principal = await database.call(principals.still, self._principal)
        for scope in scopes:
            principal.require(scope)
        return principal.user

    def _start_following(self, watcher: Watcher, conversation: UUID, after: int) -> None:
        # Set before the watcher follows the conversation, because commands may arrive at once.
        watcher.conversation = conversation
        self._following = asyncio.create_task(self._follow(watcher, conversation, after))

    async def _follow(self, watcher: Watcher, conversation: UUID, after: int) -> None:
        try:
            subscription = subscribe(conversation, after)
            watcher.follow(await self._subscription.enter_async_context(subscription))
        except LogUnavailable:
            watcher.end(Close.UNAVAILABLE)
        except Exception as failure:
            watcher.fail(failure)

    def _close_soon(self, reason: Close) -> None:
        self._closing = asyncio.create_task(self._close(reason))

    async def _close(self, reason: Close) -> None:
        # The client may have closed already.
        with contextlib.suppress(OSError):
            # An int: Daphne does not accept an IntEnum.
            await self.close(int(reason))


class NoSuchSocket(AsyncWebsocketConsumer):
    """Every other address."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        await self.accept()
        await self.close(int(Close.NOT_FOUND))


def _address(scope: Mapping[str, Any]) -> tuple[int, float | None, UUID | None]:
    """The cursor, the rate and the conversation in the connection's URL. Raises InvalidInput, and NotFound if the id is
    not a UUID."""
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    after = client_commands.cursor(query.get("after", [None])[-1])
    rate = client_commands.rate(query.get("rate", [None])[-1])
    conversation = scope["url_route"]["kwargs"].get("conversation")
    return after, rate, None if conversation is None else client_commands.conversation(conversation)


def _watched(watcher: Watcher) -> UUID:
    if watcher.conversation is None:
        raise _not_watching()
    return watcher.conversation


def _not_watching() -> InvalidInput:
    return InvalidInput.of("type", "not_watching", "This connection has no conversation yet.")


def _error(refused: OutcryError, key: str | None, problem: Problem | None = None) -> Error:
    return Error(
        code=refused.code,
        message=refused.message if problem is None else problem.message,
        # After these errors the client may send the same frame again later.
        retryable=isinstance(refused, LimitReached | LogUnavailable),
        field=None if problem is None else problem.field,
        rule=None if problem is None else problem.rule,
        idempotency_key=key,
    )
