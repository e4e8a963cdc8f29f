"""Client threads: the names that AG-UI and A2A clients use for debates, a thread and its runs. A run begins at most one
debate, so that a repeated request starts no second one.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import Q

from conversations.access import lists, permissions
from conversations.domain.errors import InvalidInput, Problem
from conversations.domain.texts import uuid_or_nil
from conversations.event_log.queries import of_people, open_question
from conversations.models import Conversation, ThreadRun

MAX_NAME = 200


@dataclass(frozen=True)
class Run:
    """A client's names of a thread, of a run in it, and of the message that the run answers, or None."""

    thread: str
    name: str
    message: str | None

    def require_storable(self) -> None:
        """Raises InvalidInput for names that are empty, too long, or contain NUL."""
        given = {"threadId": self.thread, "runId": self.name}
        problems = [
            Problem(field, "name", f"Use 1 to {MAX_NAME} characters, without the NUL character.")
            for field, text in given.items()
            if not 0 < len(text) <= MAX_NAME or "\0" in text
        ]
        if problems:
            raise InvalidInput(problems)


@dataclass(frozen=True)
class ThreadDebate:
    """The debate of a run. `is_answered`: the run or its message was handled before. `question` is the id of the open
    question, or None."""

    conversation: Conversation
    is_answered: bool
    question: UUID | None


def key(thread: str, message: str) -> str:
    """The idempotency key of a message in a thread."""
    both = f"{len(thread)} {thread} {message}"
    return f"thread:{hashlib.sha256(both.encode()).hexdigest()}"


def find(user: AbstractUser, run: Run) -> ThreadDebate | None:
    """The debate whose id is the thread's name, else the one that this run began, else the thread's newest. None if
    there is none; raises NotFound if the user may not watch it."""
    named = lists.visible_to(user).filter(pk=uuid_or_nil(run.thread)).first()
    if named is not None:
        return ThreadDebate(named, True, None)
    rows = ThreadRun.objects.filter(owner_id=user.pk, thread=run.thread)
    row = rows.filter(run=run.name).first() or rows.order_by("-id").first()
    if row is None:
        return None
    conversation = permissions.watch(user, row.conversation_id)
    return ThreadDebate(
        conversation,
        is_answered=row.run == run.name or _is_answered(row, run),
        question=None if conversation.is_finished else open_question(conversation.pk),
    )


def keep(owner: AbstractUser, run: Run, conversation: Conversation) -> None:
    """Store that the run began the conversation. Raises IntegrityError if it has begun one before."""
    message = "" if run.message is None else key(run.thread, run.message)
    ThreadRun.objects.create(
        owner_id=owner.pk, thread=run.thread, run=run.name, message=message, conversation=conversation
    )


def begun_by(owner: AbstractUser, run: Run) -> Conversation | None:
    """The conversation that the run began, or None."""
    begun = Q(thread_runs__owner_id=owner.pk, thread_runs__thread=run.thread, thread_runs__run=run.name)
    return Conversation.objects.filter(begun).first()


def _is_answered(row: ThreadRun, run: Run) -> bool:
    if run.message is None:
        return True
    message = key(run.thread, run.message)
    rows = ThreadRun.objects.filter(owner_id=row.owner_id, thread=run.thread)
    stored = of_people(row.conversation_id).filter(data__idempotency_key=message)
    return rows.filter(message=message).exists() or stored.exists()
