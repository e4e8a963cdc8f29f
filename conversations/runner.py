"""Runs: who claims a conversation, keeps it by a heartbeat, drives its debate, and writes its end."""

import asyncio
import contextlib
import contextvars
import uuid
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Q
from django.utils import timezone

from conversations import database, hearing, log, resume
from conversations.drive import Claimed, Drive
from conversations.errors import Fenced, LogUnavailable, ProviderError
from conversations.events import Error, EventData, Mode, Status, StatusChanged
from conversations.models import Conversation

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=15)
HEARTBEAT_SECONDS = 5.0
# How often conversations without a living run are looked for.
ORPHANS_SECONDS = 5.0

_tasks: set["asyncio.Task[None]"] = set()


def launch(conversation: UUID) -> "asyncio.Task[None]":
    """Run a conversation in the background of this process's event loop."""
    return _in_background(run(conversation))


def adopt_orphans() -> "asyncio.Task[None]":
    """From now on, run every conversation whose run has ended without it: after a restart, or a crash elsewhere."""
    return _in_background(_adopt())


def _in_background(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    # A context of its own: the caller's belongs to a request that ends long before the debate.
    task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def hand_over() -> None:
    """Stop every run of this process, each at once and where it stands; another run goes on from its last turn."""
    tasks = list(_tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run(conversation: UUID) -> None:
    """Claim the conversation and drive it to its end; returns at once if another run has it."""
    claimed = await _claimed(conversation)
    if claimed is None:
        return
    with structlog.contextvars.bound_contextvars(conversation=str(conversation), run=str(claimed.run)):
        heart = asyncio.create_task(_heartbeat(claimed, asyncio.current_task()))
        try:
            # Before the log is read: what is told from now on is heard, or read.
            async with hearing.listening(conversation) as called:
                await _drive(claimed, called)
        except asyncio.CancelledError:
            # Stopped from outside: nobody needs to wait for the lease to lapse.
            await database.run(_release, claimed)
            raise
        finally:
            heart.cancel()


async def _claimed(conversation: UUID) -> Claimed | None:
    claiming = asyncio.ensure_future(database.run(_claim, conversation))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        # The claim goes through all the same, and nobody would know of it before its lease lapses.
        if (claimed := await claiming) is not None:
            await database.run(_release, claimed)
        raise


def _claim(conversation: UUID) -> Claimed | None:
    now = timezone.now()
    run = uuid.uuid4()
    claimed = Conversation.objects.running().filter(_free(now), pk=conversation)
    if not claimed.update(run=run, lease_until=now + LEASE):
        return None
    Conversation.objects.filter(pk=conversation, started_at=None).update(started_at=now)
    mode = Conversation.objects.values_list("mode", flat=True).get(pk=conversation)
    return Claimed(conversation, run, Mode(mode))


def _free(now: datetime) -> Q:
    return Q(run=None) | Q(lease_until__lt=now)


async def _drive(claimed: Claimed, called: asyncio.Event) -> None:
    drive: Drive | None = None
    try:
        debate, people = await database.run(resume.read, claimed.conversation)
        drive = Drive(claimed, debate, people, called)
        await drive.drive()
    except Fenced:
        logger.warning("run_fenced")
    except ProviderError as failure:
        mode = drive.mode if drive else claimed.mode
        await _fail(claimed, mode, failure.reason, failure.message, retryable=failure.retryable)
    except LogUnavailable:
        # Nothing can be written. Another run may go on, at once where the database answers, else when the lease lapses.
        logger.exception("run_lost_its_log")
        with contextlib.suppress(*database.FAILURES):
            await database.run(_release, claimed)
    except Exception:
        logger.exception("run_failed")
        mode = drive.mode if drive else claimed.mode
        await _fail(claimed, mode, "internal", "The debate ended because of a fault of ours.", retryable=True)


async def _fail(claimed: Claimed, mode: Mode, code: str, message: str, *, retryable: bool) -> None:
    last: list[EventData] = [
        Error(code=code, message=message, retryable=retryable),
        StatusChanged(status=Status.ERROR, mode=mode, reason=code),
    ]
    try:
        await log.append(claimed.conversation, *last, run=claimed.run)
    except (Fenced, LogUnavailable):
        logger.exception("run_failure_not_stored", code=code)


def _release(claimed: Claimed) -> None:
    Conversation.objects.filter(pk=claimed.conversation, run=claimed.run).update(run=None, lease_until=None)


async def _adopt() -> None:
    while True:
        try:
            for conversation in await database.run(_orphans):
                launch(conversation)
        except Exception:
            # The database is away; the next look may find it.
            logger.warning("orphans_not_looked_for", exc_info=True)
        await asyncio.sleep(ORPHANS_SECONDS)


def _orphans() -> list[UUID]:
    orphans = Conversation.objects.running().filter(_free(timezone.now()))
    return list(orphans.values_list("pk", flat=True))


async def _heartbeat(claimed: Claimed, driving: "asyncio.Task[None] | None") -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            held = await database.run(_renew, claimed)
        except Exception:
            # The next beat may get through; the fence guards the log meanwhile.
            logger.warning("heartbeat_failed", exc_info=True)
            continue
        if not held and driving is not None:
            logger.warning("run_lost_its_lease")
            driving.cancel()
            return
        # A call may have been lost.
        hearing.call_here(claimed.conversation)


def _renew(claimed: Claimed) -> bool:
    """Whether nobody else has taken the conversation; one that has ended needs no lease."""
    ours = Conversation.objects.filter(pk=claimed.conversation, run=claimed.run)
    if ours.update(lease_until=timezone.now() + LEASE):
        return True
    return not Conversation.objects.running().filter(pk=claimed.conversation).exists()
