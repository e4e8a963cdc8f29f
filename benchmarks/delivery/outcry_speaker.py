"""Conversations in Outcry's log, said by runs that own them. Import it once Django is set up."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from benchmarks.delivery.load import Load
from benchmarks.delivery.speech import Said
from conversations.domain.enums import Kind, Mode, Status
from conversations.domain.events import AgentMessage, EventData, MessageStart, StatusChanged, Token, Usage
from conversations.event_log import appender as log
from conversations.event_log import queries, store
from conversations.models import Conversation
from tests.support.debates import create

# Longer than any run: nobody else adopts a conversation of ours.
LEASE = timedelta(hours=6)
VOICE: Mapping[str, Any] = {
    "agent": "Risk Challenger",
    "role": "risk_challenger",
    "kind": Kind.ANALYSIS,
    "round": 1,
    "model": "bench",
    "provider": "bench",
    "mode": Mode.DEMO,
}


class OutcrySpeaker:
    """Makes the database, an owner with a session, and the conversations."""

    def __init__(self, load: Load) -> None:
        self._reads = _counted_reads()
        call_command("migrate", verbosity=0)
        owner = get_user_model().objects.create_user("ada")
        client = Client()
        client.force_login(owner)
        name = settings.SESSION_COOKIE_NAME
        self.cookie = f"{name}={client.cookies[name].value}"
        conversations = [create(owner) for _ in range(load.conversations)]
        self.paths = [
            f"/{settings.OUTCRY_WEBSOCKET_PATH}{conversation.pk}/" for conversation in conversations
        ]
        self._runs = [_claim(conversation) for conversation in conversations]
        self._appenders: list[log.Appender] = []

    async def say(self, conversation: int, said: Said) -> None:
        await self._store(conversation, _event(said))

    async def end(self) -> Mapping[str, int]:
        for conversation in range(len(self._runs)):
            await self._store(conversation, StatusChanged(status=Status.COMPLETED, mode=Mode.DEMO))
        for appender in self._appenders:
            await appender.flush()
        return {"reads": len(self._reads)}

    async def _store(self, conversation: int, event: EventData) -> None:
        appending = self._appender(conversation)
        await appending.drain()
        appending.put(event)

    def _appender(self, conversation: int) -> log.Appender:
        # Made in the server's event loop, which did not run when this object was made.
        if not self._appenders:
            self._appenders = [log.Appender(*run) for run in self._runs]
        return self._appenders[conversation]


def _claim(conversation: Conversation) -> tuple[Any, Any]:
    run = uuid4()
    ours = Conversation.objects.filter(pk=conversation.pk)
    ours.update(run=run, lease_until=timezone.now() + LEASE)
    active = StatusChanged(status=Status.ACTIVE, mode=Mode.DEMO)
    store.store_batch([store.Append(conversation.pk, run, [active], timezone.now())])
    return conversation.pk, run


def _event(said: Said) -> EventData:
    match said.type:
        case "token":
            return Token(message=said.message, offset=said.offset, text=said.text, token_count=said.tokens)
        case "agent_message":
            return AgentMessage(
                message=said.message,
                content=said.text,
                token_count=said.tokens,
                usage=Usage(),
                finish_reason="stop",
                duration_ms=0,
                **VOICE,
            )
        case _:
            return MessageStart(message=said.message, streaming=True, **VOICE)


def _counted_reads() -> list[None]:
    """Grows by one with every call of `log.read` from now on."""
    reads: list[None] = []
    read = queries.read

    def counted(*args: Any, **kwargs: Any) -> Any:
        reads.append(None)
        return read(*args, **kwargs)

    queries.read = counted
    return reads
