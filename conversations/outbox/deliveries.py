"""The books of what agents elsewhere are to get: one row for each debate and agent, planned when the debate starts.

The conversation's log ends with its terminal status, so what comes after is told here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from conversations.domain.enums import TERMINAL, Status
from conversations.models import Conversation, Delivery

State = Delivery.State

# An attempt that does not say what became of it, because its process died, is made again after so long.
UNSURE: Final = timedelta(minutes=2)
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(minutes=30)
# How long after its end a debate is still offered.
PATIENCE: Final = timedelta(hours=6)


@dataclass(frozen=True)
class Due:
    """An attempt to make now. `number` is 1 for the first."""

    delivery: int
    conversation: UUID
    target: str
    number: int


def plan(conversation: UUID) -> None:
    """In the transaction that creates the conversation: once it has ended, the agents of now are to get it."""
    Delivery.objects.bulk_create(
        [Delivery(conversation_id=conversation, target=target) for target in settings.OUTCRY_A2A_TARGETS]
    )


def claim(most: int) -> list[Due]:
    """Up to so many attempts that are due, for this process to make: nobody else gets them."""
    waiting = Delivery.objects.filter(state=State.WAITING)
    rows = waiting.filter(next_at__lte=timezone.now(), conversation__status__in=TERMINAL)
    due: list[Due] = []
    for row in rows.select_related("conversation").order_by("next_at")[:most]:
        mine = waiting.filter(pk=row.pk, attempts=row.attempts)
        if row.conversation.status != Status.COMPLETED or row.target not in settings.OUTCRY_A2A_TARGETS:
            mine.update(state=State.DROPPED, events=[*row.events, _event("dropped")])
        elif mine.update(attempts=row.attempts + 1, next_at=timezone.now() + UNSURE):
            due.append(Due(row.pk, row.conversation_id, row.target, row.attempts + 1))
    return due


def delivered(due: Due, task: str) -> None:
    """The agent has it; `task` is what it calls it."""
    _settle(due, _event("delivered"), state=State.DELIVERED, task=task[:200])


def rejected(due: Due) -> None:
    """The agent does not want it."""
    _settle(due, _event("rejected"), state=State.REJECTED)


def failed(due: Due, code: str) -> None:
    """The attempt has failed; the next one comes later, or there is none any more."""
    ended = Conversation.objects.values_list("finished_at", flat=True).get(pk=due.conversation)
    now = timezone.now()
    event = _event("failed", code)
    if ended is not None and now - ended >= PATIENCE:
        _settle(due, event, _event("given_up"), state=State.GIVEN_UP)
    else:
        _settle(due, event, next_at=now + wait_after(due.number))


def wait_after(number: int) -> timedelta:
    """How long to wait after attempt `number`, the first being 1."""
    wait = FIRST_WAIT
    for _ in range(1, number):
        wait = min(2 * wait, LONGEST_WAIT)
    return wait


def listed(conversation: UUID) -> list[dict[str, Any]]:
    """For who may watch the conversation: where it goes, without what in an address may be secret."""
    rows = Delivery.objects.filter(conversation_id=conversation).order_by("pk")
    return [
        {
            "target": shown(row.target),
            "state": row.state,
            "attempts": row.attempts,
            "task": row.task,
            "events": row.events,
        }
        for row in rows
    ]


def shown(target: str) -> str:
    """The agent's address without its path and query."""
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.netloc}"


def _settle(due: Due, *events: Mapping[str, Any], **changes: Any) -> None:
    # A row that another process has taken over meanwhile is that one's to settle.
    row = Delivery.objects.filter(pk=due.delivery, attempts=due.number, state=State.WAITING).first()
    if row is not None:
        row.events = [*row.events, *events]
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=["events", *changes])


def _event(type_: str, code: str | None = None) -> dict[str, Any]:
    at: datetime = timezone.now()
    return {"type": type_, "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "code": code}
