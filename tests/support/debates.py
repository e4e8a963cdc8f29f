"""Conversations for tests, their stored logs, and one event of every type."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.domain import requests, transcript
from conversations.domain.enums import Action, Kind, Mode, Stance, Status
from conversations.domain.events import (
    AgentMessage,
    CheckedFigure,
    Complete,
    Control,
    CostSummary,
    Error,
    EventData,
    Fallback,
    Figures,
    HumanMessage,
    InputExpired,
    InputRequest,
    MessageDiscard,
    MessageStart,
    Routing,
    StatusChanged,
    Token,
    ToolEnd,
    ToolError,
    ToolStart,
    Usage,
)
from conversations.event_log import notifier, queries
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.orchestration.figures import frozen
from conversations.runs import supervisor
from conversations.services import debates
from evidence.record import Item, Missing, MissingReason, Snapshot, Unit
from tests.fakes.waiting import PATIENCE_SECONDS, Gate

Row = tuple[int, str, dict[str, Any]]


def create(owner: User, **values: Any) -> Conversation:
    """A queued conversation; its log holds one event."""
    return debates.create(
        owner, requests.NewConversation.parse({"topic": "Is Tarnwick worth buying?", "rounds": 1, **values})
    )


async def created(owner: User, **values: Any) -> Conversation:
    """`create` for async tests."""
    return await database.call(partial(create, owner, **values))


async def rows(conversation: Conversation) -> list[Row]:
    """The stored log."""
    return await database.call(lambda: list(queries.read_all(conversation.pk)))


async def state(conversation: Conversation) -> transcript.State:
    """The stored log, folded."""
    return transcript.fold(await rows(conversation))


async def fresh(conversation: Conversation) -> Conversation:
    return await database.call(lambda: Conversation.objects.get(pk=conversation.pk))


async def claim(conversation: Conversation) -> UUID:
    """A run that owns the conversation."""
    run = uuid4()
    await database.call(lambda: Conversation.objects.filter(pk=conversation.pk).update(run=run))
    return run


async def until_stored(conversation: Conversation, type_: str, **data: Any) -> None:
    """Return once the log holds an event of this type with these values."""
    await until_stored_after(conversation, 0, type_, **data)


async def until_stored_after(conversation: Conversation, head: int, type_: str, **data: Any) -> None:
    """Return once the log holds, after seq `head`, an event of this type with these values."""
    layer = get_channel_layer()
    assert layer is not None
    channel = await layer.new_channel()
    await layer.group_add(notifier.group_name(conversation.pk), channel)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(
                seq > head and stored == type_ and data.items() <= values.items()
                for seq, stored, values in await rows(conversation)
            ):
                await layer.receive(channel)
    finally:
        await layer.group_discard(notifier.group_name(conversation.pk), channel)


async def cut(conversation: Conversation, gate: Gate, word: str | None = None) -> None:
    """Start a run and end it as a killed process would, once the first word behind the gate is stored, or
    without one, once the Moderator's turn has begun in the log."""
    task = supervisor.launch(conversation.pk)
    await gate.reached(1)
    if word is None:
        await until_stored(conversation, "message_start", agent="Moderator")
    else:
        gate.let()
        await until_stored(conversation, "token", text=word)
    task.cancel()
    await asyncio.wait([task])
    await lapse(conversation)


async def lapse(conversation: Conversation) -> None:
    """Have the lease of its run end."""
    await database.call(
        lambda: Conversation.objects.filter(pk=conversation.pk).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
    )


def statuses(rows: Iterable[Row]) -> list[str]:
    """The values of its status events, in order."""
    return [data["status"] for _, type_, data in rows if type_ == "status"]


async def debates_ended() -> None:
    """Return once no debate runs in this event loop."""
    if running := supervisor.tasks.here():
        await asyncio.wait(running, timeout=PATIENCE_SECONDS)


def status(status: Status, mode: Mode = Mode.LIVE, reason: str | None = None) -> StatusChanged:
    return StatusChanged(status=status, mode=mode, reason=reason)


def message_start(message: UUID, agent: str = "Risk Challenger", mode: Mode = Mode.LIVE) -> MessageStart:
    return MessageStart(
        message=message,
        agent=agent,
        role=agent.lower().replace(" ", "_"),
        kind=Kind.ANALYSIS,
        round=1,
        model="stand-in",
        provider="openai-compatible",
        mode=mode,
        streaming=True,
    )


def token(message: UUID, text: str, offset: int = 0) -> Token:
    return Token(message=message, offset=offset, text=text, token_count=1)


def tokens(message: UUID, words: Iterable[str]) -> list[Token]:
    """The words of a message as they come, each at its offset."""
    spoken, offset = [], 0
    for word in words:
        spoken.append(token(message, word, offset))
        offset += len(word)
    return spoken


def input_request(start: MessageStart, request: UUID, prompt: str = "Which horizon?") -> InputRequest:
    return InputRequest(request=request, message=start.message, agent=start.agent, prompt=prompt)


def agent_message(start: MessageStart, content: str, token_count: int | None = None) -> AgentMessage:
    return AgentMessage(
        **start.model_dump(exclude={"streaming", "texts", "items"}),
        content=content,
        token_count=token_count,
        usage=Usage(input_tokens=120, output_tokens=30),
        cost=0.0125,
        finish_reason="stop",
        duration_ms=1500,
    )


def complete(**changed: Any) -> Complete:
    values: dict[str, Any] = {
        "verdict": Stance.BUY,
        "confidence": 0.64,
        "summary": "Leaning towards buying.",
        "cost_summary": CostSummary(
            usd=0.0125, priced_messages=1, unpriced_messages=0, input_tokens=120, output_tokens=30
        ),
        "mode": Mode.LIVE,
        "transcript_sha256": "0" * 64,
    }
    return Complete(**{**values, **changed})


RECORD = Snapshot(
    as_of=datetime(2026, 1, 5, tzinfo=UTC),
    items=(
        Item(
            id="E1", subject="HLDN", metric="close", period="2026-01-02", value=Decimal("41.20"), unit=Unit.CURRENCY,
            currency="EUR", source="Börse", known_at=datetime(2026, 1, 2, tzinfo=UTC),
        ),
    ),
    missing=(Missing(subject="HLDN", metric="eps", reason=MissingReason.NO_DATA),),
)  # fmt: skip
PRICE = CheckedFigure(
    start=15, end=19, text="€ 41", value="41", unit="currency", label="consistent", evidence=("E1",)
)


def every_event() -> list[EventData]:
    """A conversation after `queued` in which every type of event happens, with text that is not plain ASCII."""
    lost, kept, request, unanswered = uuid4(), uuid4(), uuid4(), uuid4()
    begun = message_start(kept)
    return [
        status(Status.INITIALIZING),
        *frozen(RECORD),
        Routing(panel="financial-debate", reason="chosen_at_start"),
        status(Status.ACTIVE),
        message_start(lost),
        *tokens(lost, ["Half ", "a senten"]),
        MessageDiscard(message=lost, reason="provider_dropped"),
        Fallback.model_validate(
            {"from": "openai", "to": "local", "code": "provider_dropped", "reason": "It was cut."}
        ),
        begun,
        ToolStart(call="c1", message=kept, tool="quote", input='{"of": "HLDN"}'),
        ToolEnd(call="c1", message=kept, tool="quote", output="€ 41,20"),
        ToolStart(call="c2", message=kept, tool="news", input="{}"),
        ToolError(call="c2", message=kept, tool="news", code="tool_failed"),
        *tokens(kept, ["The pric", "e is **€ 41**, ", "<b>not</b> ", "\U0001f4c8 ", "\u202eup\u2028"]),
        InputRequest(
            request=request,
            message=kept,
            agent=begun.agent,
            prompt="Which horizon?",
            timeout=60,
            deadline=datetime(2026, 1, 5, 14, 31, tzinfo=UTC),
        ),
        HumanMessage(author="alice", text="Five years", reply_to=request, idempotency_key="k"),
        InputRequest(request=unanswered, message=kept, agent=begun.agent, prompt="Which currency?"),
        InputExpired(request=unanswered),
        Control(action=Action.PAUSE, actor="alice"),
        agent_message(begun, "The price is **€ 41**, <b>not</b> \U0001f4c8 \u202eup\u2028", token_count=5),
        Figures(message=kept, checker="1", items=(PRICE,), final=True),
        Error(code="provider_rate_limited", message="The model's provider limits our rate.", retryable=True),
        complete(),
        status(Status.COMPLETED),
    ]
