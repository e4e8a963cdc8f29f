"""Places: how many debates of one person may run at once, OUTCRY_MAX_RUNNING_PER_USER.

1. A debate that was started with `when_busy: queue` while all places were taken is queued with the reason BUSY. No run
   claims it.
2. `admit` gives free places to the waiting debates of each person, the oldest first, by a status event without that
   reason. Then any process may run them.
"""

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations.domain.enums import Mode, Status
from conversations.domain.events import StatusChanged
from conversations.event_log import notifier, store
from conversations.infrastructure import database
from conversations.models import Conversation

BUSY: Final = "busy"
WAITING: Final = Q(status=Status.QUEUED.value, reason=BUSY)
# Of one person: each waiting debate holds its sources in the database.
MAX_WAITING: Final = 20


async def admit() -> None:
    """Give every free place to a waiting debate, and announce that. Raises LogUnavailable."""
    stored = await database.call(_admit, timeout=database.REQUEST_SECONDS)
    _announce(stored)


async def release(conversation: UUID) -> None:
    """Let a waiting debate go on without a place, so that a run can store its end. Raises LogUnavailable."""
    _announce(await database.call(_release, Q(pk=conversation), 1, timeout=database.REQUEST_SECONDS))


def _admit() -> store.Stored:
    admitted: store.Stored = {}
    for owner in set(Conversation.objects.filter(WAITING).values_list("owner_id", flat=True)):
        with transaction.atomic():
            # Two processes must not fill the same place.
            list(get_user_model().objects.select_for_update().filter(pk=owner).values_list("pk"))
            running = Conversation.objects.running().exclude(WAITING).filter(owner_id=owner).count()
            free = settings.OUTCRY_MAX_RUNNING_PER_USER - running
            if free > 0:
                admitted |= _release(Q(owner_id=owner), free)
    return admitted


def _release(condition: Q, most: int) -> store.Stored:
    with transaction.atomic():
        waiting = Conversation.objects.select_for_update().filter(WAITING, condition)
        rows: list[tuple[Any, ...]] = [*waiting.order_by("created_at", "id").values_list("pk", "mode")[:most]]
        if not rows:
            return {}
        at = timezone.now()
        return store.store_batch(
            [
                store.Append(pk, None, [StatusChanged(status=Status.QUEUED, mode=Mode(mode))], at)
                for pk, mode in rows
            ]
        )


def _announce(stored: store.Stored) -> None:
    for conversation, frames in stored.items():
        notifier.publish(conversation, frames)
