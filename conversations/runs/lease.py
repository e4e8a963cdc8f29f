"""Leases: only the process that holds a conversation's lease runs it.

A lease expires by the database's clock, which all processes share. It is claimed by a conditional UPDATE, renewed by
heartbeats, and released at the end. Any process may claim an expired one.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from conversations.domain.enums import Mode
from conversations.infrastructure import metrics
from conversations.models import Conversation
from conversations.runs import places


@dataclass(frozen=True)
class Lease:
    """A conversation that `run` may execute. `mode` is the conversation's mode so far, `attempts` the number of runs
    since its last finished turn, `traceparent` the root of its trace."""

    conversation: UUID
    run: UUID
    mode: Mode
    attempts: int = 1
    traceparent: str = ""


def claim(conversation: UUID) -> Lease | None:
    """Claim a lease; None if another run holds one, or the conversation has ended or waits for a place."""
    run = uuid.uuid4()
    free = Conversation.objects.running().filter(_free(), ~places.WAITING, pk=conversation)
    if not free.update(run=run, lease_until=_end(), attempts=F("attempts") + 1):
        return None
    is_first = Conversation.objects.filter(pk=conversation, started_at=None).update(started_at=timezone.now())
    row = Conversation.objects.values_list("mode", "attempts", "traceparent")
    mode, attempts, traceparent = row.get(pk=conversation)
    metrics.RUNS.labels("claimed" if is_first else "adopted").inc()
    return Lease(conversation, run, Mode.read(mode), attempts, traceparent)


def renew(lease: Lease, is_idle: bool) -> bool:
    """Renew the lease. Returns False if another run has claimed the conversation, and True if the conversation has
    ended, which needs no lease.

    `is_idle`: the debate waits for people, so restarts meanwhile do not count as failed attempts."""
    attempts = {"attempts": 1} if is_idle else {}
    if _held(lease).update(lease_until=_end(), **attempts):
        return True
    return not Conversation.objects.running().filter(pk=lease.conversation).exists()


def release(lease: Lease) -> None:
    """Release the lease, so that another run can claim the conversation at once."""
    _held(lease).update(run=None, lease_until=None)


def hand_back(lease: Lease) -> None:
    """Release the lease after a deliberate stop, which does not count as an attempt."""
    _held(lease).filter(attempts__gt=0).update(attempts=F("attempts") - 1)
    release(lease)


def orphans() -> QuerySet[Conversation]:
    """Conversations that have not ended, have a place and have no valid lease, oldest first."""
    return Conversation.objects.running().filter(_free(), ~places.WAITING).order_by("created_at")


def _held(lease: Lease) -> QuerySet[Conversation]:
    return Conversation.objects.filter(pk=lease.conversation, run=lease.run)


def _free() -> Q:
    return Q(run=None) | Q(lease_until__lt=Now())


def _end() -> Any:
    return Now() + timedelta(seconds=settings.OUTCRY_LEASE_SECONDS)
