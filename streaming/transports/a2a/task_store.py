"""A2A tasks, read from the conversations and their log, so that any process can answer for any task.

Uses the ORM: call it in a database thread.
"""

from datetime import UTC
from typing import Any, Final
from uuid import UUID

from a2a.types import ListTasksRequest, ListTasksResponse, Role, Task, TaskState
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from conversations.access import lists, permissions
from conversations.domain.errors import InvalidInput
from conversations.domain.frames import condense
from conversations.domain.texts import uuid_or_nil
from conversations.event_log import queries
from conversations.models import Conversation, Event, ThreadRun
from streaming.transports.a2a import task
from streaming.transports.a2a.task import STATES, UNKNOWN, TaskIds, TaskSnapshot, TaskUpdates

TRANSPORT: Final = "a2a"
# The prefix of an A2A context's name among the threads of all transports.
THREAD: Final = "a2a:"
PAGE_SIZE: Final = 50
MAX_PAGE: Final = 100
# Smaller, since each task then has the whole text of a debate.
MAX_PAGE_WITH_ARTIFACTS: Final = 20
_EVERYTHING: Final = 2**31 - 1


def read(user: AbstractUser, conversation: UUID, upto: int | None) -> TaskSnapshot:
    """The task, for a user who may watch it, at the event `upto`, or now. Raises NotFound."""
    return _snapshot(permissions.watch(user, conversation), upto)


def _snapshot(conversation: Conversation, upto: int | None = None) -> TaskSnapshot:
    opening = ThreadRun.objects.filter(conversation=conversation, thread__startswith=THREAD).first()
    ids = _ids(conversation, opening)
    rows = queries.read(conversation.pk, 0, _EVERYTHING if upto is None else upto)
    left_out = settings.OUTCRY_EVENTS.get(TRANSPORT, frozenset())
    frames = condense([frame for frame in rows if frame.type not in left_out])
    updates, current = TaskUpdates(ids), task.empty(ids)
    for frame in frames:
        task.apply(current, updates.take(frame))
    current.metadata.update(_described(conversation))
    texts = [conversation.topic, *([conversation.content] if conversation.content else [])]
    message_id = f"{conversation.pk}-0" if opening is None else opening.run
    question = task.text_message(ids, Role.ROLE_USER, message_id, *texts)
    current.history.extend([question, *task.history(ids, frames)])
    return TaskSnapshot(current, updates, rows[-1].seq if rows else 0)


def _ids(conversation: Conversation, opening: ThreadRun | None) -> TaskIds:
    """A context that the client named when it opened the task, or the task's own."""
    context = "" if opening is None else opening.thread.removeprefix(THREAD)
    return TaskIds(task_id=str(conversation.pk), context_id=context or str(conversation.pk))


def _described(conversation: Conversation) -> dict[str, Any]:
    return {"topic": conversation.topic, "panel": conversation.panel, "rounds": conversation.rounds}


def list_tasks(user: AbstractUser, params: ListTasksRequest) -> ListTasksResponse:
    """A page of the user's own tasks, newest first; the token of the next page is the id of this one's last task."""
    size = params.page_size if params.HasField("page_size") else PAGE_SIZE
    if not 1 <= size <= MAX_PAGE:
        raise InvalidInput.of("pageSize", "range", f"A page has 1 to {MAX_PAGE} tasks.")
    if params.include_artifacts:
        size = min(size, MAX_PAGE_WITH_ARTIFACTS)
    found = _wanted(lists.own(user), params)
    total = found.count()
    if params.page_token:
        found = found.filter(_after(user, params.page_token))
    rows = [*found[: size + 1]]
    response = ListTasksResponse(page_size=size, total_size=total)
    openings = ThreadRun.objects.filter(conversation__in=rows[:size], thread__startswith=THREAD)
    opened = {opening.conversation_id: opening for opening in openings}
    for row in rows[:size]:
        found_task = _snapshot(row).task if params.include_artifacts else _outline(row, opened.get(row.pk))
        response.tasks.append(trim_history(found_task, params))
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
    # PostgreSQL refuses a NUL in a query, and no stored context has one.
    thread = f"{THREAD}{context}" if "\0" not in context else THREAD
    named = ThreadRun.objects.filter(thread=thread).exclude(thread=THREAD).values("conversation")
    return Q(pk__in=named) | Q(pk=uuid_or_nil(context))


def _after(user: AbstractUser, token: str) -> Q:
    last = lists.own(user).filter(pk=uuid_or_nil(token)).first()
    if last is None:
        raise InvalidInput.of("pageToken", "token", "The page token is not valid.")
    return Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk)


def _outline(conversation: Conversation, opening: ThreadRun | None) -> Task:
    outline = task.empty(_ids(conversation, opening))
    outline.status.state = STATES.get(conversation.status, UNKNOWN)
    at = conversation.finished_at or conversation.started_at or conversation.created_at
    outline.status.timestamp.FromDatetime(at)
    outline.metadata.update({**_described(conversation), "mode": conversation.mode})
    return outline


def trim_history(changed: Task, params: Any) -> Task:
    """Keep as much of the task's history as the parameters ask for. Changes the task in place and returns it."""
    if params.HasField("history_length"):
        del changed.history[: max(0, len(changed.history) - max(0, params.history_length))]
    return changed


def read_with_question(user: AbstractUser, conversation: UUID, key: str) -> tuple[TaskSnapshot, str | None]:
    """The task, and the id of the question that a message with this idempotency key answers, or answered when it was
    sent before; None if it answers none."""
    snapshot = read(user, conversation, None)
    sent = queries.of_people(conversation).filter(type="human_message", data__idempotency_key=key).first()
    if sent is not None:
        return snapshot, sent.data["reply_to"]
    # From the log, because OUTCRY_EVENTS may leave out the event type on this transport.
    question = queries.open_question(conversation)
    return snapshot, None if question is None else str(question)
