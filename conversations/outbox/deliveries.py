"""The outbox: one row for each debate and A2A target, planned in the transaction that creates the debate.

A conversation's log ends with its terminal status, so each row holds its delivery's own events.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from conversations.domain.enums import TERMINAL, Status
from conversations.models import Delivery

State = Delivery.State

# A claim expires after this time, so that the attempt of a dead process is repeated.
CLAIM: Final = timedelta(minutes=2)
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(minutes=30)
# No attempts are made later than this after the debate's end.
PATIENCE: Final = timedelta(hours=6)


def plan(conversation: UUID) -> None:
    """Plan a delivery to each current target, due when the conversation has ended. Call it in the transaction that
    creates the conversation."""
    Delivery.objects.bulk_create(
        [Delivery(conversation_id=conversation, target=target) for target in settings.OUTCRY_A2A_TARGETS]
    )


def claim(most: int) -> list[Delivery]:
    """Claim up to `most` due attempts for this process; `attempts` is 1 for the first of a delivery."""
    waiting = Delivery.objects.filter(state=State.WAITING)
    rows = waiting.filter(next_at__lte=timezone.now(), conversation__status__in=TERMINAL)
    due: list[Delivery] = []
    for row in rows.select_related("conversation").order_by("next_at")[:most]:
        mine = waiting.filter(pk=row.pk, attempts=row.attempts)
        if row.conversation.status != Status.COMPLETED or row.target not in settings.OUTCRY_A2A_TARGETS:
            mine.update(state=State.DROPPED, events=[*row.events, _event("dropped")])
        elif mine.update(attempts=row.attempts + 1, next_at=timezone.now() + CLAIM):
            row.attempts += 1
            due.append(row)
    return due


def delivered(due: Delivery, task: str) -> None:
    """The agent has accepted the debate as a task with this id."""
    _settle(due, _event("delivered"), state=State.DELIVERED, task=task[:200])


def rejected(due: Delivery) -> None:
    """The agent has rejected the debate."""
    _settle(due, _event("rejected"), state=State.REJECTED)


def failed(due: Delivery, code: str) -> None:
    """The attempt has failed: plan the next one, or give up if it would be later than PATIENCE after the debate's
    end."""
    ended, now = due.conversation.finished_at, timezone.now()
    event = _event("failed", code)
    if ended is not None and now - ended >= PATIENCE:
        _settle(due, event, _event("given_up"), state=State.GIVEN_UP)
    else:
        _settle(due, event, next_at=now + wait_after(due.attempts))


def wait_after(number: int) -> timedelta:
    """The wait after attempt `number`, the first being 1: 5 s, doubled each time, at most LONGEST_WAIT."""
    doublings: int = 2 ** min(number - 1, 10)
    return min(FIRST_WAIT * doublings, LONGEST_WAIT)


def listed(conversation: UUID) -> list[dict[str, Any]]:
    """The conversation's deliveries, for its watchers: targets without their paths, which may be secret."""
    rows = Delivery.objects.filter(conversation_id=conversation).order_by("pk")
    named = rows.values("target", "state", "attempts", "task", "events")
    return [{**row, "target": shown(row["target"])} for row in named]


def shown(target: str) -> str:
    """The target's scheme and host, without its path and query."""
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.netloc}"


def _settle(due: Delivery, *events: Mapping[str, Any], **changes: Any) -> None:
    # If the claim has expired and another process has made the next attempt, leave the row to that one.
    claimed = Delivery.objects.filter(pk=due.pk, attempts=due.attempts, state=State.WAITING)
    claimed.update(events=[*due.events, *events], **changes)


def _event(type_: str, code: str | None = None) -> dict[str, Any]:
    at = timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": type_, "at": at, "code": code}
