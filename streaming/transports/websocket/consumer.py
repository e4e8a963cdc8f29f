"""The WebSocket: one JSON event a frame, in both directions.

/ws/conversations/{id}/?after=N&rate=R   watch a conversation from a cursor, at most R tokens a second
/ws/conversations/                       start one by the first frame, {"type": "start", "topic": ...}, and watch it

A client may send:

{"type": "ping"}
{"type": "ack", "seq": N, "waited_ms": M}           everything up to N has been taken, M milliseconds ago
{"type": "control", "action": "pause_stream"}       hold this connection's stream; resume_stream goes on
{"type": "control", "action": "pause"}              pause the debate; also resume, cancel; with idempotency_key
{"type": "input", "text": ..., "reply_to": ...}     speak to the panel, or answer a question; with idempotency_key

Who comes with a key needs its scopes: watch to watch, start to start, control to command the debate and to speak.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, cast
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AbstractUser

from conversations.access import permissions
from conversations.domain import requests
from conversations.domain.enums import Scope
from conversations.domain.errors import (
    InvalidInput,
    LimitReached,
    LogUnavailable,
    NotFound,
    OutcryError,
    Problem,
    ScopeMissing,
    Unauthenticated,
)
from conversations.domain.events import Error
from conversations.infrastructure import database
from conversations.services import debates
from streaming.http import direct_send
from streaming.hub.subscription import subscribe
from streaming.watchers import session_guard
from streaming.watchers.event_filter import filtered
from streaming.watchers.registry import registry
from streaming.watchers.watcher import Connection, Watcher
from streaming.watchers.writers import writer_for
from streaming.wire import client_commands
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import Pong, wire_frame

logger = structlog.get_logger(__name__)

TRANSPORT = "websocket"
MAX_FRAME_BYTES = 64 * 1024


class ConversationSocket(AsyncWebsocketConsumer):
    """One watcher. Events go from the conversation's reader straight to the server's socket."""

    # No channel of its own: the reader is a member of the group, a watcher is not.
    channel_layer_alias = "none"

    _watcher: Watcher | None = None
    # Known before the watcher follows it: who opens a connection may speak at once.
    _watched: UUID | None = None
    _following: "asyncio.Task[None] | None" = None
    _closing: "asyncio.Task[None] | None" = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels' own first hops to a thread for the database connections of handlers that use the ORM. Ours do not:
        # they have their own threads, and clients acknowledge every second.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        # Accepted first, even to refuse: a browser cannot see why an unfinished handshake failed.
        await self.accept()
        scope = cast("dict[str, Any]", self.scope)
        if not scope["user"].is_authenticated:
            await self.close(int(Close.UNAUTHENTICATED))
            return
        self._held = AsyncExitStack()
        try:
            query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            after = client_commands.cursor(query.get("after", [None])[-1])
            rate = client_commands.rate(query.get("rate", [None])[-1])
            wanted = scope["url_route"]["kwargs"].get("conversation")
            if wanted is not None:
                session_guard.opened_by(scope).require(Scope.WATCH)
            conversation = (
                None
                if wanted is None
                else await database.call(
                    permissions.watch, scope["user"], client_commands.conversation(wanted)
                )
            )
        except InvalidInput:
            await self.close(int(Close.BAD_REQUEST))
            return
        except ScopeMissing as missing:
            await self.send(wire_frame(None, _refusal(missing, None)).text)
            await self.close(int(Close.FORBIDDEN))
            return
        except NotFound:
            await self.close(int(Close.NOT_FOUND))
            return
        except LogUnavailable:
            await self.close(int(Close.UNAVAILABLE))
            return
        connection = Connection(
            session_guard.guest(scope),
            TRANSPORT,
            filtered(TRANSPORT, writer_for(scope[direct_send.KEY])),
            self._close_soon,
        )
        self._watcher = Watcher(connection, rate)
        registry().add(self._watcher)
        if conversation is not None:
            self._watched = conversation.pk
            self._following = asyncio.create_task(self._follow(self._watcher, conversation.pk, after))

    async def disconnect(self, code: int) -> None:
        if self._watcher is None:
            return
        self._watcher.leave(code)
        registry().remove(self._watcher)
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        await self._held.aclose()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        watcher = self._watcher
        if watcher is None or watcher.closed is not None:
            # Sent before the refusal reached the client.
            return
        if len(bytes_data or (text_data or "").encode()) > MAX_FRAME_BYTES:
            watcher.end(Close.TOO_LARGE)
            return
        watcher.heard()
        key = None
        try:
            command, fields = client_commands.command(text_data)
            key = client_commands.key(fields)
            await self._obey(watcher, command, fields)
        except Unauthenticated:
            watcher.end(Close.UNAUTHENTICATED)
        except InvalidInput as refused:
            for problem in refused.problems:
                watcher.tell(_broken(refused, problem, key))
        except OutcryError as refused:
            watcher.tell(_refusal(refused, key))
        except Exception:
            logger.exception(
                "watcher_failed", conversation=str(watcher.conversation), watcher=str(watcher.id)
            )
            watcher.end(Close.FAULT)

    async def _obey(self, watcher: Watcher, command: str, fields: Mapping[str, Any]) -> None:
        match command:
            case "ack":
                watcher.ack(*client_commands.ack(fields, watcher.cursor))
            case "ping":
                watcher.tell(Pong())
            case "control":
                await self._control(watcher, fields)
            case "input":
                said = requests.parse_input(fields)
                await debates.say(await self._asker(Scope.CONTROL), self._conversation(), said)
            case "start" if self._following is None:
                new = requests.parse(fields)
                conversation = await debates.start(await self._asker(Scope.START, Scope.WATCH), new)
                self._watched = conversation.pk
                self._following = asyncio.create_task(self._follow(watcher, conversation.pk, 0))
            case "start":
                raise InvalidInput(
                    [Problem("type", "already_watching", "This connection has its conversation.")]
                )
            case _:
                known = "Known types are ack, control, input, ping and start."
                raise InvalidInput([Problem("type", "unknown_type", known)])

    async def _control(self, watcher: Watcher, fields: Mapping[str, Any]) -> None:
        conversation = self._conversation()
        match fields.get("action"):
            case "pause_stream" | "resume_stream" if watcher.conversation is None:
                raise _not_watching()
            case "pause_stream":
                watcher.pause()
            case "resume_stream":
                watcher.resume()
            case _:
                command = requests.parse_command(fields)
                await debates.control(await self._asker(Scope.CONTROL), conversation, command)

    def _conversation(self) -> UUID:
        if self._watched is None:
            raise _not_watching()
        return self._watched

    async def _asker(self, *scopes: Scope) -> AbstractUser:
        """Who asks, as the database has them now. Raises Unauthenticated, and ScopeMissing where their key lacks one
        of these."""
        caller = await database.call(session_guard.caller, self.scope)
        for scope in scopes:
            caller.require(scope)
        return caller.user

    async def _follow(self, watcher: Watcher, conversation: UUID, after: int) -> None:
        try:
            watcher.follow(await self._held.enter_async_context(subscribe(conversation, after)))
        except LogUnavailable:
            watcher.end(Close.UNAVAILABLE)
        except Exception:
            logger.exception("watcher_failed", conversation=str(conversation), watcher=str(watcher.id))
            watcher.end(Close.FAULT)

    def _close_soon(self, why: Close) -> None:
        self._closing = asyncio.create_task(self._close(why))

    async def _close(self, why: Close) -> None:
        # The client may have been faster.
        with contextlib.suppress(OSError):
            # An int: Daphne does not take an IntEnum.
            await self.close(int(why))


class NoSuchSocket(AsyncWebsocketConsumer):
    """Every other address."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        await self.accept()
        await self.close(int(Close.NOT_FOUND))


def _not_watching() -> InvalidInput:
    return InvalidInput([Problem("type", "not_watching", "This connection has no conversation yet.")])


def _refusal(refused: OutcryError, key: str | None) -> Error:
    # The same frame may be taken a little later, or never.
    passing = isinstance(refused, LimitReached | LogUnavailable)
    return Error(code=refused.code, message=refused.message, retryable=passing, idempotency_key=key)


def _broken(refused: InvalidInput, problem: Problem, key: str | None) -> Error:
    return Error(
        code=refused.code,
        message=problem.message,
        retryable=False,
        field=problem.field,
        rule=problem.rule,
        idempotency_key=key,
    )
