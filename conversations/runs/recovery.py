"""A conversation's log, read by the run that goes on with it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from conversations.agents.turn import Limits
from conversations.budgets.service import ConversationBudget
from conversations.domain import transcript
from conversations.domain.enums import Kind, Mode
from conversations.domain.events import AgentMessage, EventData, MessageDiscard, MessageStart, Usage
from conversations.domain.human_input import HumanInput
from conversations.domain.panels import PANELS
from conversations.event_log import queries
from conversations.models import Conversation, Event
from conversations.orchestration.debate import BUDGET, Debate
from conversations.prompts.builder import Question
from conversations.providers.provider_errors import UNBILLED
from conversations.providers.selection import lineup


def read(conversation: UUID) -> tuple[Debate, HumanInput]:
    """The debate as far as its log has it, and what people have told it. Finished turns stand, a turn that was cut is
    spoken again."""
    row = Conversation.objects.get(pk=conversation)
    state, people = transcript.empty(), HumanInput()
    whole: list[AgentMessage] = []
    for seq, type_, data in queries.read_all(conversation):
        transcript.fold([(seq, type_, data)], state)
        people.take(seq, type_, data)
        if type_ == "agent_message":
            whole.append(AgentMessage.model_validate(data))
    stands = {message["id"] for message in state["messages"] if message["state"] == "done"}
    judged = state["complete"] is not None
    # A judgement without its verdict is given again.
    said = [
        message
        for message in whole
        if str(message.message) in stands and (judged or message.kind is not Kind.FINAL)
    ]
    kept = {str(message.message) for message in said}
    unfinished = [
        UUID(message["id"])
        for message in state["messages"]
        if message["state"] != "discarded" and message["id"] not in kept
    ]
    debate = Debate(
        question=Question(row.topic, row.content, row.content_type, row.rounds),
        panel=PANELS[row.panel],
        providers=lineup(),
        limits=Limits(
            settings.OUTCRY_FIRST_TOKEN_SECONDS,
            settings.OUTCRY_STALL_SECONDS,
            settings.OUTCRY_WHOLE_ANSWER_SECONDS,
            settings.OUTCRY_INPUT_TIMEOUT_SECONDS,
            settings.OUTCRY_MAX_PROMPT_TOKENS,
        ),
        said=said,
        unfinished=unfinished,
        judged=judged,
        discarded=sum(
            message["state"] == "discarded" and message["discard_reason"] not in UNBILLED
            for message in state["messages"]
        ),
        asked=people.question_after([message.message for message in said]),
        purse=ConversationBudget(conversation),
        is_demo=row.mode == Mode.DEMO,
        reason=BUDGET if judged and row.reason == BUDGET else None,
    )
    return debate, people


Row = tuple[int, str, dict[str, Any]]


def told(conversation: UUID, after: int) -> list[Row]:
    """(seq, type, data) of what people have told since, as `HumanInput.take` takes it."""
    rows = Event.objects.filter(conversation_id=conversation, seq__gt=after, type__in=HumanInput.TYPES)
    return list(rows.order_by("seq").values_list("seq", "type", "data"))


def cut(conversation: UUID) -> list[EventData]:
    """How the messages end that are being spoken: as far as they are stored, or, where nothing is, not at all."""
    started: dict[str, tuple[datetime, MessageStart]] = {}
    last: dict[str, datetime] = {}
    state = transcript.empty()
    rows = Event.objects.filter(conversation_id=conversation).order_by("seq")
    for seq, type_, data, at in rows.values_list("seq", "type", "data", "at").iterator(chunk_size=1_000):
        transcript.fold([(seq, type_, data)], state)
        if type_ == "message_start":
            started[data["message"]] = (at, MessageStart.model_validate(data))
        elif type_ == "token":
            last[data["message"]] = at
    ends: list[EventData] = []
    for message in state["messages"]:
        if message["state"] == "speaking":
            since, start = started[message["id"]]
            ends.append(_cut(start, message, last.get(message["id"], since) - since))
    return ends


def unfinished(conversation: UUID, reason: str) -> list[EventData]:
    """The end of the messages that are being spoken, where the debate ends without them."""
    state = transcript.fold(queries.read_all(conversation))
    return [
        MessageDiscard(message=UUID(message["id"]), reason=reason)
        for message in state["messages"]
        if message["state"] == "speaking"
    ]


def _cut(start: MessageStart, message: transcript.State, took: timedelta) -> EventData:
    if not message["text"]:
        return MessageDiscard(message=start.message, reason="cancelled")
    return AgentMessage(
        **start.model_dump(exclude={"streaming"}),
        content=message["text"],
        token_count=message["tokens"],
        usage=Usage(),
        finish_reason="cancelled",
        duration_ms=max(0, round(took.total_seconds() * 1_000)),
    )
