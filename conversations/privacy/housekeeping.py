"""Housekeeping: what becomes due by itself, in one process of the installation at a time.

1. Continue the erasures that were interrupted.
2. Delete the conversations whose time is over.
3. Delete sources that no debate uses after a day.
4. Delete datasets whose upload was interrupted, and those that no debate uses when their time is over.
5. Index for search what an older version has stored.
6. Delete expired sessions, and what is listed of sessions that are no more.

Each process also removes the files of datasets that are gone from its machine.

Each batch is small, and is followed by a pause at least as long, so that debates get to write.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVarTuple
from uuid import UUID, uuid4

import structlog
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from conversations.datasets import files
from conversations.domain.enums import DeletionReason
from conversations.domain.errors import LogUnavailable, NotErasable
from conversations.event_log import reindexing
from conversations.infrastructure import database
from conversations.infrastructure.event_loop import BackgroundTasks
from conversations.models import Dataset, Erasure, PeriodicTask, Source
from conversations.privacy import deletion, erasure, retention

Ts = TypeVarTuple("Ts")

logger = structlog.get_logger(__name__)

NAME: Final = "housekeeping"
# Between two rounds of the installation.
EVERY: Final = timedelta(hours=1)
# How often a process asks whether a round is due.
POLL_SECONDS: Final = 60.0
# A claim that is not renewed ends after this time. Each batch renews it, and takes far less than that.
CLAIM: Final = timedelta(minutes=5)
# Shortest pause after a batch.
PAUSE_SECONDS: Final = 0.05
# Conversations that are looked up at once; each is a batch of its own.
PAGE: Final = 100
# Sessions in one batch.
SESSIONS: Final = 200
# Sources in one batch: each may have 500,000 characters.
SOURCES: Final = 20
# How long a source waits for the debate that uses it.
SOURCES_WAIT: Final = timedelta(days=1)
# An upload that has not ended by then never will.
UPLOADS_TAKE: Final = timedelta(hours=1)
# Sign-ins that are younger may not have stored their session yet.
_SETTLED: Final = timedelta(days=1)
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)

tasks = BackgroundTasks()


class _ClaimLost(Exception):
    """Another process keeps house now."""


def begin() -> None:
    """Start housekeeping in the running event loop."""
    tasks.spawn(_keep())


async def end() -> None:
    """Stop after the present batch. Any process continues when the claim ends."""
    await tasks.cancel()


async def keep_house() -> bool:
    """Do everything that is due, unless another process does, or did within EVERY; returns whether it did."""
    holder = uuid4()
    if not await database.call(_claim, holder):
        return False
    await _continue_erasures(holder)
    await _delete_conversations(holder)
    for step in (_delete_sources, _delete_datasets, reindexing.step, _delete_sessions):
        while await _batch(holder, step):
            pass
    await database.call(_release, holder)
    return True


async def _keep() -> None:
    while True:
        try:
            await database.call(files.sweep)
            await keep_house()
        except LogUnavailable:
            # `database` has logged the outage, and the claim ends.
            pass
        except _ClaimLost:
            logger.warning("housekeeping_lost_its_claim")
        except Exception:
            logger.exception("housekeeping_failed")
        await asyncio.sleep(POLL_SECONDS)


async def _continue_erasures(holder: UUID) -> None:
    for person in await database.call(_pending):
        try:
            while not await _batch(holder, erasure.step, person):
                pass
        except NotErasable:
            logger.info("erasure_on_hold", user=person)


async def _delete_conversations(holder: UUID) -> None:
    deleted = 0
    # Until a page has none that can be deleted: a hold may have been placed since the page was read.
    while page := await database.call(retention.due, PAGE):
        before = deleted
        for conversation in page:
            deleted += await _batch(holder, _delete_conversation, conversation)
        if deleted == before:
            break
    if deleted:
        logger.info("conversations_deleted", reason=DeletionReason.RETENTION.value, number=deleted)


async def _batch(holder: UUID, work: Callable[[*Ts], int], *args: *Ts) -> int:
    """One batch and the pause after it. Raises _ClaimLost."""
    began = time.monotonic()
    result = await database.call(work, *args)
    if not await database.call(_renew, holder):
        raise _ClaimLost
    await asyncio.sleep(max(PAUSE_SECONDS, time.monotonic() - began))
    return result


# In a database thread


def _pending() -> list[int]:
    return list(Erasure.objects.order_by("begun_at").values_list("pk", flat=True))


def _delete_conversation(conversation: UUID) -> bool:
    try:
        return deletion.delete(conversation, DeletionReason.RETENTION)
    except NotErasable:
        return False


def _delete_sources() -> int:
    """Delete a batch of sources that no debate uses; returns how many were found."""
    unused = Source.objects.filter(links=None, created_at__lt=timezone.now() - SOURCES_WAIT)
    found = list(unused.values_list("pk", flat=True)[:SOURCES])
    with database.writing(), transaction.atomic():
        # A debate that starts now may have taken one: it has locked it.
        locked = Source.objects.select_for_update().filter(pk__in=found)
        Source.objects.filter(pk__in=list(locked.values_list("pk", flat=True)), links=None).delete()
    return len(found)


def _delete_datasets() -> int:
    """Delete a dataset that nobody can use, or whose time is over; returns how many were found."""
    interrupted = Q(stored_at=None, created_at__lt=timezone.now() - UPLOADS_TAKE)
    found = (
        Dataset.objects.filter(interrupted | retention.datasets_due()).values_list("pk", flat=True).first()
    )
    if found is None:
        return 0
    with database.writing():
        Dataset.objects.filter(pk=found).delete()
    return 1


def _delete_sessions() -> int:
    """Delete a batch of sessions; returns how many were found."""
    now = timezone.now()
    expired = list(Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)[:SESSIONS])
    gone = ~Exists(Session.objects.filter(pk=OuterRef("session_key")))
    settled = UserSession.objects.filter(gone, created_at__lt=now - _SETTLED)
    listed = list(settled.values_list("pk", flat=True)[:SESSIONS])
    with database.writing(), transaction.atomic():
        Session.objects.filter(pk__in=expired, expire_date__lt=now).delete()
        UserSession.objects.filter(pk__in=listed).delete()
    return len(expired) + len(listed)


def _claim(holder: UUID) -> bool:
    # By the database's clock, which all processes share.
    PeriodicTask.objects.bulk_create([PeriodicTask(name=NAME, next_at=_LONG_AGO)], ignore_conflicts=True)
    due = PeriodicTask.objects.filter(name=NAME, next_at__lte=Now())
    return bool(due.update(holder=holder, next_at=Now() + CLAIM))


def _renew(holder: UUID) -> bool:
    return bool(_held(holder).update(next_at=Now() + CLAIM))


def _release(holder: UUID) -> None:
    _held(holder).update(holder=None, next_at=Now() + EVERY)


def _held(holder: UUID) -> QuerySet[PeriodicTask]:
    return PeriodicTask.objects.filter(name=NAME, holder=holder)
