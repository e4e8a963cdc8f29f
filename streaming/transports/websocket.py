"""The WebSocket: one JSON event a frame, in both directions.

/ws/conversations/{id}/?after=N    watch a conversation from a cursor
/ws/conversations/                 start one by the first frame, {"type": "start", "topic": ...}, and watch it
"""

import asyncio
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import DatabaseError

from conversations import access, database, forms, services
from conversations.errors import InvalidInput, NotFound, OutcryError, Problem
from conversations.events import Error, EventData, Heartbeat, Hello, Mode, Pong, Status, wire_frame
from streaming import direct, protocol, sessions
from streaming.closing import Close
from streaming.sessions import SignedOut
from streaming.subscription import Subscription, subscribe

logger = structlog.get_logger(__name__)

MAX_FRAME_BYTES = 64 * 1024


class ConversationSocket(AsyncWebsocketConsumer):
    """One watcher. Events go from the conversation's reader straight to the socket."""

    # No channel of its own: the reader is a member of the group, a watcher is not.
    channel_layer_alias = "none"

    _person: access.Person
    _admitted = False
    _conversation: UUID | None = None
    _watching: "asyncio.Task[None] | None" = None

    async def connect(self) -> None:
        # Accepted first, even to refuse: a browser cannot see why an unfinished handshake failed.
        await self.accept()
        self._person = cast("access.Person", self.scope["user"])
        if not self._person.is_authenticated:
            await self._close(Close.UNAUTHENTICATED)
            return
        try:
            after = protocol.cursor(_query(self.scope).get("after", [None])[-1])
            if (wanted := self.scope["url_route"]["kwargs"].get("conversation")) is not None:
                conversation = await database.run(access.watch, self._person, _uuid(wanted))
                self._watch(conversation.pk, after)
            self._admitted = True
        except InvalidInput:
            await self._close(Close.BAD_REQUEST)
        except NotFound:
            await self._close(Close.NOT_FOUND)

    async def disconnect(self, code: int) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self._admitted:
            # Sent before the refusal reached the client.
            return
        if len(bytes_data or (text_data or "").encode()) > MAX_FRAME_BYTES:
            await self._close(Close.TOO_LARGE)
            return
        try:
            await self._obey(*protocol.command(text_data))
        except SignedOut:
            await self._close(Close.UNAUTHENTICATED)
        except InvalidInput as refused:
            for problem in refused.problems:
                await self._send(_refusal(refused, problem))
        except OutcryError as refused:
            await self._send(Error(code=refused.code, message=refused.message, retryable=True))

    async def _obey(self, command: str, fields: Mapping[str, Any]) -> None:
        match command:
            case "ping":
                await self._send(Pong())
            case "start" if self._watching is None:
                new = forms.parse(fields)
                await self._admit_again()
                conversation = await services.start(cast("AbstractUser", self._person), new)
                self._watch(conversation.pk, 0)
            case "start":
                raise InvalidInput(
                    [Problem("type", "already_watching", "This connection has its conversation.")]
                )
            case _:
                raise InvalidInput([Problem("type", "unknown_type", "Known types are start and ping.")])

    def _watch(self, conversation: UUID, after: int) -> None:
        self._conversation = conversation
        self._watching = asyncio.create_task(self._follow(conversation, after))

    async def _follow(self, conversation: UUID, after: int) -> None:
        try:
            async with subscribe(conversation, after) as subscription:
                await self._send(_hello(subscription))
                beating = asyncio.create_task(self._beat(subscription))
                try:
                    send = cast("dict[str, Any]", self.scope)[direct.KEY]
                    async for entries in subscription.batches():
                        for entry in entries:
                            await send({"type": "websocket.send", "text": entry.text})
                finally:
                    beating.cancel()
            await self._close(Close.ENDED)
        except Exception:
            logger.exception("watcher_failed", conversation=str(conversation))
            await self._close(Close.FAULT)

    async def _beat(self, subscription: Subscription) -> None:
        # The session is looked at with every beat: one that has ended is closed no later than the next.
        while True:
            await asyncio.sleep(settings.OUTCRY_HEARTBEAT_SECONDS)
            try:
                await self._admit_again()
            except SignedOut:
                await self._close(Close.UNAUTHENTICATED)
                return
            except NotFound:
                await self._close(Close.NOT_FOUND)
                return
            except DatabaseError:
                # Who was let in stays in while nobody can be asked.
                logger.warning("session_not_checked", exc_info=True)
            await self._send(Heartbeat(head=subscription.head))

    async def _admit_again(self) -> None:
        """Raises SignedOut or NotFound where the person would not be let in any more."""
        self._person = await database.run(sessions.person, self.scope)
        if self._conversation is not None:
            await database.run(access.watch, self._person, self._conversation)

    async def _close(self, code: Close) -> None:
        self._admitted = False
        if self._watching is not None and self._watching is not asyncio.current_task():
            self._watching.cancel()
        # Daphne takes a plain integer only.
        await self.close(int(code))

    async def _send(self, event: EventData) -> None:
        await self.send(text_data=wire_frame(self._conversation, event))


class NoSuchSocket(AsyncWebsocketConsumer):
    """Every other address."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        await self.accept()
        await self.close(int(Close.NOT_FOUND))


def _query(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such conversation.") from None


def _hello(subscription: Subscription) -> Hello:
    return Hello(
        head=subscription.position.head,
        status=Status(subscription.position.status),
        mode=Mode(subscription.position.mode),
        recovered=subscription.recovered,
        from_=subscription.start,
        heartbeat_seconds=settings.OUTCRY_HEARTBEAT_SECONDS,
        session=uuid4(),
    )


def _refusal(refused: InvalidInput, problem: Problem) -> Error:
    return Error(
        code=refused.code, message=problem.message, retryable=False, field=problem.field, rule=problem.rule
    )
