"""Where A2A's tasks are: in the conversations and their log, so that any process answers for any task.

To be called in a database thread."""

from datetime import UTC
from typing import Any, Final
from uuid import UUID

from a2a.helpers import new_text_part
from a2a.types import ListTasksRequest, ListTasksResponse, Message, Role, Task, TaskState
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from conversations.access import permissions
from conversations.domain.errors import InvalidInput, Problem
from conversations.domain.frames import condense
from conversations.event_log import commands, queries
from conversations.models import Conversation, Event, ThreadRun
from conversations.services import client_threads
from streaming.transports.a2a import task
from streaming.transports.a2a.task import STATES, Name, Teller, Told

TRANSPORT: Final = "a2a"
# What the names of a client's contexts begin with, where threads have theirs.
THREAD: Final = "a2a:"
PAGE_SIZE: Final = 50
MAX_PAGE: Final = 100
# Each is the whole of a debate.
MAX_PAGE_WITH_ARTIFACTS: Final = 20
_EVERYTHING: Final = 2**31 - 1


def read(person: AbstractUser, conversation: UUID, upto: int | None) -> Told:
    """The task, for someone who may watch it, as of the event `upto`, or now. Raises NotFound."""
    return _stands(permissions.watch(person, conversation), upto)


def _stands(conversation: Conversation, upto: int | None = None) -> Told:
    opening = ThreadRun.objects.filter(conversation=conversation, thread__startswith=THREAD).first()
    context = "" if opening is None else opening.thread.removeprefix(THREAD)
    name = Name(str(conversation.pk), context or str(conversation.pk))
    rows = queries.read(conversation.pk, 0, _EVERYTHING if upto is None else upto)
    left_out = settings.OUTCRY_EVENTS.get(TRANSPORT, frozenset())
    frames = condense([frame for frame in rows if frame.type not in left_out])
    teller, stands = Teller(name), task.empty(name)
    for frame in frames:
        task.apply(stands, teller.take(frame))
    stands.metadata.update(_described(conversation))
    asked = [conversation.topic, *([conversation.content] if conversation.content else [])]
    question = Message(
        message_id=f"{name.task}-0" if opening is None else opening.run,
        task_id=name.task,
        context_id=name.context,
        role=Role.ROLE_USER,
        parts=[new_text_part(text) for text in asked],
    )
    stands.history.extend([question, *task.spoken(name, frames)])
    return Told(name, stands, teller, rows[-1].seq if rows else 0)


def _described(conversation: Conversation) -> dict[str, Any]:
    return {"topic": conversation.topic, "panel": conversation.panel, "rounds": conversation.rounds}


def listed(person: AbstractUser, params: ListTasksRequest) -> ListTasksResponse:
    """A page of the person's own tasks, newest first; the next page's token is the id of this one's last task."""
    size = params.page_size if params.HasField("page_size") else PAGE_SIZE
    if not 1 <= size <= MAX_PAGE:
        raise InvalidInput([Problem("pageSize", "range", f"A page has 1 to {MAX_PAGE} tasks.")])
    if params.include_artifacts:
        size = min(size, MAX_PAGE_WITH_ARTIFACTS)
    found = _wanted(permissions.own(person), params)
    total = found.count()
    if params.page_token:
        found = found.filter(_after(person, params.page_token))
    rows = [*found[: size + 1]]
    response = ListTasksResponse(page_size=size, total_size=total)
    openings = ThreadRun.objects.filter(conversation__in=rows[:size], thread__startswith=THREAD)
    contexts = {opening.conversation_id: opening.thread.removeprefix(THREAD) for opening in openings}
    for row in rows[:size]:
        told = _stands(row).task if params.include_artifacts else _outline(row, contexts.get(row.pk))
        response.tasks.append(shorten(told, params))
    if len(rows) > size:
        response.next_page_token = str(rows[size - 1].pk)
    return response


def _wanted(rows: QuerySet[Conversation], params: ListTasksRequest) -> QuerySet[Conversation]:
    if params.context_id:
        rows = rows.filter(_in_context(params.context_id))
    if params.status != TaskState.TASK_STATE_UNSPECIFIED:
        rows = rows.filter(status__in=[name for name, state in STATES.items() if state == params.status])
    if params.HasField("status_timestamp_after"):
        since = params.status_timestamp_after.ToDatetime(tzinfo=UTC)
        changed = Event.objects.filter(conversation=OuterRef("pk"), type="status", at__gt=since)
        rows = rows.filter(Exists(changed))
    return rows


def _in_context(context: str) -> Q:
    # No database takes a NUL, and nothing has one.
    thread = f"{THREAD}{context}" if "\0" not in context else THREAD
    named = ThreadRun.objects.filter(thread=thread).exclude(thread=THREAD).values("conversation")
    try:
        return Q(pk__in=named) | Q(pk=UUID(context))
    except ValueError:
        return Q(pk__in=named)


def _after(person: AbstractUser, token: str) -> Q:
    try:
        last = permissions.own(person).filter(pk=UUID(token)).first()
    except ValueError:
        last = None
    if last is None:
        raise InvalidInput([Problem("pageToken", "token", "This is no token of a page.")])
    return Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk)


def _outline(conversation: Conversation, context: str | None) -> Task:
    outline = task.empty(Name(str(conversation.pk), context or str(conversation.pk)))
    outline.status.state = STATES[conversation.status]
    at = conversation.finished_at or conversation.started_at or conversation.created_at
    outline.status.timestamp.FromDatetime(at)
    outline.metadata.update({**_described(conversation), "mode": conversation.mode})
    return outline


def shorten(told: Task, params: Any) -> Task:
    """With as much of its history as is asked for. Changes `told` in place."""
    if params.HasField("history_length"):
        kept = [*told.history][-params.history_length :] if params.history_length > 0 else []
        del told.history[:]
        told.history.extend(kept)
    return told


def asked(person: AbstractUser, conversation: UUID, key: str) -> tuple[Told, str | None]:
    """The task; and what a message with this key answers, or where it was said before has answered: a question's id,
    or None."""
    told = read(person, conversation, None)
    said = commands.of_people(conversation).filter(type="human_message", data__idempotency_key=key).first()
    if said is not None:
        return told, said.data["reply_to"]
    # From the log, whatever this transport leaves out.
    question = client_threads.open_question(conversation)
    return told, None if question is None else str(question)
