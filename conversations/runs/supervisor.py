"""Runs: who claims a conversation, keeps it by a heartbeat, drives its debate, and writes its end."""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from conversations.budgets import service
from conversations.domain.enums import Mode, Status
from conversations.domain.errors import Fenced, LogUnavailable, ProviderError
from conversations.domain.events import Error, EventData, StatusChanged
from conversations.event_log import appender, wakeups
from conversations.infrastructure import database, metrics, tracing
from conversations.infrastructure.event_loop import BackgroundTasks, PerLoop
from conversations.models import Conversation
from conversations.runs import endings, loading
from conversations.runs.executor import Claimed, Left, RunExecutor

logger = structlog.get_logger(__name__)

# How often conversations without a living run are looked for, at least.
ORPHANS_SECONDS = 2.0
GAVE_UP = (
    "The debate broke off four times at the same turn, so it was ended. What was said until then stands;"
    " start it again to try once more."
)
# How often a conversation is taken up again without having finished a turn in between.
MAX_RESUMES = 3

tasks = BackgroundTasks()
adoptions = BackgroundTasks()
_executors: dict[UUID, RunExecutor] = {}
# Set while the runs of the loop are handed over: it begins no new ones.
_leaving = PerLoop(asyncio.Event)


def launch(conversation: UUID, rests: Callable[[bool], None] = lambda _: None) -> "asyncio.Task[None]":
    """Run a conversation in the background of this process's event loop. `rests` is told when it begins to wait for
    people, and when it no longer does."""
    return tasks.spawn(run(conversation, rests), str(conversation))


def adopt_orphans(take: Callable[[Collection[UUID]], Awaitable[None]] | None = None) -> "asyncio.Task[None]":
    """From now on, run every conversation whose run has ended without it, after a restart, or a crash elsewhere; or
    leave them to `take`."""
    return adoptions.spawn(_adopt(take or _launch_all))


async def _launch_all(conversations: Collection[UUID]) -> None:
    for conversation in conversations:
        launch(conversation)


async def hand_over() -> None:
    """Stop every run of this loop, for another process to go on. What is being said may be said to its end, for
    OUTCRY_GRACE_SECONDS; what is not finished by then is cut, and said again."""
    leaving = _leaving.here()
    leaving.set()
    try:
        for drive in _executors.values():
            drive.leave()
        if running := tasks.here():
            await asyncio.wait(running, timeout=settings.OUTCRY_GRACE_SECONDS)
        await asyncio.gather(tasks.cancel(), adoptions.cancel())
    finally:
        leaving.clear()


async def run(conversation: UUID, rests: Callable[[bool], None] = lambda _: None) -> None:
    """Claim the conversation and drive it to its end; returns at once if another run has it."""
    if _leaving.here().is_set():
        return
    try:
        claimed = await _claimed(conversation)
    except LogUnavailable:
        # It stays without a run, and is found so when the database answers again.
        logger.warning("conversation_not_claimed", conversation=str(conversation))
        return
    if claimed is None:
        return
    with (
        structlog.contextvars.bound_contextvars(conversation=str(conversation), run=str(claimed.run)),
        tracing.debate(claimed.traceparent, conversation, claimed.run, claimed.attempts),
    ):
        heart = asyncio.create_task(_heartbeat(claimed, asyncio.current_task()))
        try:
            # Before the log is read: what is told from now on is heard, or read.
            async with wakeups.listening(conversation) as called:
                await _drive(claimed, called, rests)
        except (asyncio.CancelledError, Left) as stopped:
            # Stopped from outside: nobody needs to wait for the lease to lapse.
            with contextlib.suppress(LogUnavailable):
                await database.call(_hand_back, claimed)
            _note("left")
            if not isinstance(stopped, Left):
                raise
        finally:
            heart.cancel()


async def _claimed(conversation: UUID) -> Claimed | None:
    claiming = asyncio.ensure_future(database.call(_claim, conversation, timeout=database.REQUEST_SECONDS))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        # The claim goes through all the same, and nobody would know of it before its lease lapses.
        if (claimed := await claiming) is not None:
            await database.call(_hand_back, claimed)
        raise


def _claim(conversation: UUID) -> Claimed | None:
    run = uuid.uuid4()
    free = Conversation.objects.running().filter(_free(), pk=conversation)
    if not free.update(run=run, lease_until=_lease_end(), attempts=F("attempts") + 1):
        return None
    is_first = Conversation.objects.filter(pk=conversation, started_at=None).update(started_at=timezone.now())
    kept = Conversation.objects.values_list("mode", "attempts", "traceparent")
    mode, attempts, traceparent = kept.get(pk=conversation)
    metrics.RUNS.labels("claimed" if is_first else "adopted").inc()
    return Claimed(conversation, run, Mode(mode), attempts, traceparent)


def _lease_end() -> Any:
    # By the database's clock, which all processes share.
    return Now() + timedelta(seconds=settings.OUTCRY_LEASE_SECONDS)


def _free() -> Q:
    return Q(run=None) | Q(lease_until__lt=Now())


async def _drive(claimed: Claimed, called: asyncio.Event, rests: Callable[[bool], None]) -> None:
    drive: RunExecutor | None = None
    if claimed.attempts > 1 + MAX_RESUMES:
        await _fail(claimed, claimed.mode, "resume_failed", GAVE_UP, retryable=True)
        return
    try:
        await loading.load()
        # AG2 comes with it.
        from conversations.runs import recovery

        await service.write_off_reservations(claimed.conversation)
        debate, people = await database.call(recovery.read, claimed.conversation, retry=True)
        drive = _executors[claimed.run] = RunExecutor(claimed, debate, people, called, rests)
        if _leaving.here().is_set():
            drive.leave()
        await drive.drive()
        metrics.RUNS.labels("ended").inc()
    except Left:
        raise
    except Fenced:
        logger.warning("run_fenced")
        _note("fenced")
    except ProviderError as failure:
        mode = drive.mode if drive else claimed.mode
        await _fail(claimed, mode, failure.reason, failure.message, retryable=failure.retryable)
    except LogUnavailable:
        # Nothing can be written. Another run may go on, at once where the database answers, else when the lease lapses.
        logger.exception("run_lost_its_log")
        _note("lost_log")
        with contextlib.suppress(LogUnavailable):
            await database.call(_release, claimed)
    except Exception:
        logger.exception("run_failed")
        mode = drive.mode if drive else claimed.mode
        await _fail(claimed, mode, "internal", "The debate ended because of a fault of ours.", retryable=True)
    finally:
        _executors.pop(claimed.run, None)


def running() -> int:
    """How many debates this process drives."""
    return len(_executors)


def _note(what: str) -> None:
    """What has become of a run that did not come to its debate's end."""
    metrics.RUNS.labels(what).inc()
    tracing.failed(what)


async def _fail(claimed: Claimed, mode: Mode, code: str, message: str, *, retryable: bool) -> None:
    metrics.RUNS.labels("failed").inc()
    tracing.failed(code)
    try:
        last: list[EventData] = [
            *await _unfinished(claimed, code),
            Error(code=code, message=message, retryable=retryable),
            StatusChanged(status=Status.ERROR, mode=mode, reason=code),
        ]
        await appender.append(claimed.conversation, *last, run=claimed.run)
    except (Fenced, LogUnavailable):
        logger.exception("run_failure_not_stored", code=code)


async def _unfinished(claimed: Claimed, code: str) -> list[EventData]:
    try:
        return await database.call(endings.unfinished, claimed.conversation, code, retry=True)
    except LogUnavailable:
        raise
    except Exception:
        # A log that cannot be read, such as one of a newer release, is ended all the same.
        logger.exception("log_not_understood")
        return []


def _release(claimed: Claimed) -> None:
    Conversation.objects.filter(pk=claimed.conversation, run=claimed.run).update(run=None, lease_until=None)


def _hand_back(claimed: Claimed) -> None:
    """Release it, of its own accord: that is no failure of the conversation."""
    ours = Conversation.objects.filter(pk=claimed.conversation, run=claimed.run)
    ours.filter(attempts__gt=0).update(attempts=F("attempts") - 1)
    ours.update(run=None, lease_until=None)


async def _adopt(take: Callable[[Collection[UUID]], Awaitable[None]]) -> None:
    await loading.load()
    while True:
        # What keeps us from our heartbeats keeps others from theirs: a lease that has lapsed meanwhile says nothing.
        if not database.is_slow(2 * settings.OUTCRY_LEASE_HEARTBEAT_SECONDS):
            await _look_for_orphans(take)
        await asyncio.sleep(min(ORPHANS_SECONDS, settings.OUTCRY_LEASE_HEARTBEAT_SECONDS))


async def _look_for_orphans(take: Callable[[Collection[UUID]], Awaitable[None]]) -> None:
    try:
        if orphans := await database.call(_orphans, timeout=database.REQUEST_SECONDS):
            await take(orphans)
    except LogUnavailable:
        # It is away, which its outage tells; the next look may find it.
        pass
    except Exception:
        logger.exception("orphans_not_looked_for")


def is_orphan(conversation: UUID) -> bool:
    """Whether the conversation has not ended, and nobody runs it."""
    return Conversation.objects.running().filter(_free(), pk=conversation).exists()


def waiting() -> int:
    """How many conversations of the database have not ended, and are run by nobody."""
    return Conversation.objects.running().filter(_free()).count()


def _orphans() -> list[UUID]:
    orphans = Conversation.objects.running().filter(_free())
    return list(orphans.order_by("created_at").values_list("pk", flat=True))


async def _heartbeat(claimed: Claimed, driving: "asyncio.Task[None] | None") -> None:
    while True:
        await asyncio.sleep(settings.OUTCRY_LEASE_HEARTBEAT_SECONDS)
        drive = _executors.get(claimed.run)
        try:
            is_at_rest = drive is not None and drive.is_at_rest
            held = await database.call(_renew, claimed, is_at_rest)
        except LogUnavailable:
            # The next beat may get through; the fence guards the log meanwhile.
            continue
        except Exception:
            logger.exception("heartbeat_failed")
            continue
        if not held and driving is not None:
            logger.warning("run_lost_its_lease")
            driving.cancel()
            return
        # A call may have been lost.
        wakeups.call_here(claimed.conversation)


def _renew(claimed: Claimed, is_at_rest: bool) -> bool:
    """Whether nobody else has taken the conversation; one that has ended needs no lease."""
    ours = Conversation.objects.filter(pk=claimed.conversation, run=claimed.run)
    # Who waits for people for days sees many restarts, and none is the debate's fault.
    rested = {"attempts": 1} if is_at_rest else {}
    if ours.update(lease_until=_lease_end(), **rested):
        return True
    return not Conversation.objects.running().filter(pk=claimed.conversation).exists()
