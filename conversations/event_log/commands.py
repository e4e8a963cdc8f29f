"""Storing people's commands and messages.

1. Lock the conversation's row: of two contradictory commands one is refused, and a repeated command is stored once.
2. Check that the command is still allowed, and append it.
3. After the commit, announce it to the watchers and wake the conversation's run.
"""

import asyncio
from contextvars import copy_context
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations.domain.enums import TERMINAL, Action, Kind, Status
from conversations.domain.errors import Conflict, Finished, LimitReached, NotFound
from conversations.domain.events import Control, EventData, HumanMessage, InputExpired, dump
from conversations.domain.frames import Frame
from conversations.event_log import notifier, store, wakeups
from conversations.event_log.queries import of_people, questions
from conversations.infrastructure import database
from conversations.infrastructure.event_loop import BackgroundTasks
from conversations.models import Conversation, Event

# Limits for each conversation.
MAX_REMARKS = 50
MAX_COMMANDS = 500

tasks = BackgroundTasks()


@dataclass(frozen=True)
class Accepted:
    """The command is stored as event `seq`; the conversation had this `status`. Later events show its effect."""

    seq: int
    status: Status


# What a person says or commands; an InputExpired skips a question.
PersonsEvent = Control | HumanMessage | InputExpired


async def submit(conversation: UUID, event: PersonsEvent) -> Accepted:
    """Store a person's command or message, then notify the watchers and the run. A repeated idempotency key of the same
    person returns what was accepted the first time.

    Raises Finished; Conflict when the question is unknown, answered or expired, when the moderator is judging, or when
    the key was used for another command; LimitReached; NotFound; and LogUnavailable."""
    # Continues after its caller is cancelled: a stored command must be announced.
    return await asyncio.shield(tasks.spawn(_submit(conversation, event), context=copy_context()))


async def expire(conversation: UUID, run: UUID, request: UUID) -> None:
    """Store that the question has expired, unless it was answered. Raises Fenced, NotFound and LogUnavailable."""
    frames = await database.call(_expire, conversation, run, request, retry=True)
    if frames:
        notifier.publish(conversation, frames)


async def _submit(conversation: UUID, event: PersonsEvent) -> Accepted:
    accepted, frames = await database.call(_store, conversation, event, timeout=database.REQUEST_SECONDS)
    if frames:
        notifier.publish(conversation, frames)
    # Also for a repeated command: the first wake-up may have been lost.
    wakeups.wake(conversation)
    return accepted


def _store(conversation: UUID, event: PersonsEvent) -> tuple[Accepted, list[Frame]]:
    with transaction.atomic():
        status = _locked_status(conversation)
        if (seq := _repeated(conversation, event, status)) is not None:
            return Accepted(seq, status), []
        if status in TERMINAL:
            raise Finished("This debate has ended.", status)
        match event:
            case HumanMessage(reply_to=UUID() as request) | InputExpired(request=request):
                _require_open(conversation, request, status)
            case HumanMessage():
                _require_not_judging(conversation, status)
                # Each message adds to every later prompt.
                _require_fewer(conversation, event.type, MAX_REMARKS, "messages")
            case Control(action=Action.CONCLUDE):
                _require_not_judging(conversation, status)
                _require_fewer(conversation, event.type, MAX_COMMANDS, "commands")
            case Control(action=Action.PAUSE | Action.RESUME):
                # Each command adds to the transcript. A cancel is never refused.
                _require_fewer(conversation, event.type, MAX_COMMANDS, "commands")
        frames = _append(conversation, None, event, *_skipped(conversation, event))
    return Accepted(frames[0].seq, status), frames


def _skipped(conversation: UUID, event: PersonsEvent) -> list[EventData]:
    """What a command does to open questions: a verdict that is asked for now waits for no answer."""
    if not isinstance(event, Control) or event.action is not Action.CONCLUDE:
        return []
    asked = questions(conversation).items()
    return [InputExpired(request=id_, actor=event.actor) for id_, question in asked if question.is_open]


def _expire(conversation: UUID, run: UUID, request: UUID) -> list[Frame]:
    with transaction.atomic():
        _locked_status(conversation)
        question = questions(conversation).get(request)
        if question is not None and not question.is_open:
            return []
        return _append(conversation, run, InputExpired(request=request))


def _locked_status(conversation: UUID) -> Status:
    row = Conversation.objects.select_for_update().filter(pk=conversation).values_list("status", flat=True)
    status = row.first()
    if status is None:
        raise NotFound("There is no such conversation.")
    return Status.read(status)


def _append(conversation: UUID, run: UUID | None, *events: EventData) -> list[Frame]:
    append = store.Append(conversation, run, events, timezone.now())
    stored = store.store_batch([append])
    if append.refusal is not None:
        raise append.refusal
    return stored[conversation]


def _repeated(conversation: UUID, event: PersonsEvent, status: Status) -> int | None:
    """The seq of the person's earlier event with this key, if any. Raises Conflict if its content differs."""
    if event.idempotency_key is None:
        return None
    person = event.author if isinstance(event, HumanMessage) else event.actor
    by_person = Q(data__actor=person) | Q(data__author=person)
    earlier = of_people(conversation).filter(by_person, data__idempotency_key=event.idempotency_key).first()
    if earlier is None:
        return None
    if (earlier.type, earlier.data) != (event.type, dump(event)):
        raise Conflict("This idempotency key was already used for another command.", status)
    return earlier.seq


def _require_open(conversation: UUID, request: UUID, status: Status) -> None:
    question = questions(conversation).get(request)
    if question is None:
        raise Conflict("There is no such question in this debate.", status)
    if question.answer is not None:
        raise Conflict("This question has been answered.", status)
    if question.expired:
        how = (
            "This question was skipped."
            if question.skipped
            else "The time to answer this question has passed."
        )
        raise Conflict(how, status)


def _require_not_judging(conversation: UUID, status: Status) -> None:
    begun = Event.objects.filter(conversation_id=conversation, type="message_start")
    spoken = begun.exclude(data__kind=Kind.THINKING).order_by("-seq")
    newest = spoken.values_list("data__kind", flat=True).first()
    if newest == Kind.FINAL:
        raise Conflict("The last answer is being given, so no more messages are accepted.", status)


def _require_fewer(conversation: UUID, type_: str, limit: int, things: str) -> None:
    if of_people(conversation).filter(type=type_).count() >= limit:
        raise LimitReached(f"This debate has reached its limit of {limit} {things}.")
