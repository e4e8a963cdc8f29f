"""Supervising the runs of this process.

1. `launch` starts a run, which claims the conversation's lease and renews it by a heartbeat.
2. The run recovers the debate from the log, and executes it.
3. If the debate fails, the run stores its end, or releases the lease so that another run can continue.
4. `adopt_orphans` gives free places to waiting conversations and looks for conversations without a run; `hand_over`
   stops all runs of this process.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from django.conf import settings

from conversations.budgets import service
from conversations.domain.enums import Status
from conversations.domain.errors import Fenced, LogUnavailable, ProviderError
from conversations.domain.events import Error, EventData, StatusChanged
from conversations.event_log import appender, wakeups
from conversations.infrastructure import database, metrics, tracing
from conversations.infrastructure.event_loop import BackgroundTasks, PerLoop
from conversations.runs import endings, executor, lease, loading, places, recovery
from conversations.runs.control import Left, RunControl
from conversations.runs.lease import Lease

if TYPE_CHECKING:
    from conversations.orchestration.assignment import Assignment

logger = structlog.get_logger(__name__)

# Longest pause between two searches for orphans (conversations without a run).
ORPHANS_SECONDS = 2.0
GAVE_UP = (
    "The debate was ended because the same turn failed four times. What was said so far is kept."
    " Start the debate again to retry."
)
# How often a conversation is resumed without finishing a turn in between.
MAX_RESUMES = 3

tasks = BackgroundTasks()
adoptions = BackgroundTasks()
# The controls of this process's runs, by the run's id.
_controls: dict[UUID, RunControl] = {}
# Set during `hand_over`: no new runs begin.
_leaving = PerLoop(asyncio.Event)


def launch(conversation: UUID, on_idle: Callable[[bool], None] = lambda _: None) -> "asyncio.Task[None]":
    """Run a conversation in the background. `on_idle` is called with True when the debate begins to wait for people,
    and with False when it continues."""
    return tasks.spawn(run(conversation, on_idle), str(conversation))


def adopt_orphans(take: Callable[[Collection[UUID]], Awaitable[None]] | None = None) -> "asyncio.Task[None]":
    """Start a task that finds conversations without a run, as after a crash, and runs them, or passes them to
    `take`."""
    return adoptions.spawn(_adopt(take or _launch_all))


async def hand_over() -> None:
    """Stop every run of this loop, so that another process can continue. A turn that does not finish within
    OUTCRY_GRACE_SECONDS is repeated there."""
    leaving = _leaving.here()
    leaving.set()
    try:
        for control in _controls.values():
            control.leave()
        if running := tasks.here():
            await asyncio.wait(running, timeout=settings.OUTCRY_GRACE_SECONDS)
        await asyncio.gather(tasks.cancel(), adoptions.cancel())
    finally:
        leaving.clear()


async def run(conversation: UUID, on_idle: Callable[[bool], None] = lambda _: None) -> None:
    """Claim the conversation and execute it to its end; return at once if another run holds its lease."""
    if _leaving.here().is_set():
        return
    try:
        claimed = await _claimed(conversation)
    except LogUnavailable:
        # The conversation is an orphan, and will be adopted when the database is available.
        logger.warning("conversation_not_claimed", conversation=str(conversation))
        return
    if claimed is None:
        return
    with (
        structlog.contextvars.bound_contextvars(conversation=str(conversation), run=str(claimed.run)),
        tracing.debate(claimed.traceparent, conversation, claimed.run, claimed.attempts),
    ):
        heartbeat = asyncio.create_task(_heartbeat(claimed, asyncio.current_task()))
        try:
            # Listen before reading the log, so that no later command is missed.
            async with wakeups.listening(conversation) as wakeup:
                await _execute(claimed, wakeup, on_idle)
        except (asyncio.CancelledError, Left) as stopped:
            # Release the lease, so that another run need not wait until it expires.
            with contextlib.suppress(LogUnavailable):
                await database.call(lease.hand_back, claimed)
            _count("left")
            if not isinstance(stopped, Left):
                raise
        finally:
            heartbeat.cancel()


def running() -> int:
    """The number of debates that this process executes."""
    return len(_controls)


async def _claimed(conversation: UUID) -> Lease | None:
    claiming = asyncio.ensure_future(
        database.call(lease.claim, conversation, timeout=database.REQUEST_SECONDS)
    )
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        # The claim may have been stored, and would not be renewed: release it.
        if (claimed := await claiming) is not None:
            await database.call(lease.hand_back, claimed)
        raise


async def _execute(claimed: Lease, wakeup: asyncio.Event, on_idle: Callable[[bool], None]) -> None:
    if claimed.attempts > 1 + MAX_RESUMES:
        await _fail(claimed, None, "resume_failed", GAVE_UP, retryable=True)
        return
    assignment: Assignment | None = None
    try:
        assignment, control = await _recovered(claimed, wakeup, on_idle)
        await executor.execute(claimed, assignment, control)
        metrics.RUNS.labels("ended").inc()
    except Left:
        raise
    except Fenced:
        logger.warning("run_fenced")
        _count("fenced")
    except ProviderError as failure:
        await _fail(claimed, assignment, failure.reason, failure.message, retryable=failure.retryable)
    except LogUnavailable:
        # Nothing can be stored. Another run can continue when the database is available, at the latest when the lease
        # expires.
        logger.exception("run_lost_its_log")
        _count("lost_log")
        with contextlib.suppress(LogUnavailable):
            await database.call(lease.release, claimed)
    except Exception:
        logger.exception("run_failed")
        sentence = "An internal error ended the debate. Start it again."
        await _fail(claimed, assignment, "internal", sentence, retryable=True)
    finally:
        _controls.pop(claimed.run, None)


async def _recovered(
    claimed: Lease, wakeup: asyncio.Event, on_idle: Callable[[bool], None]
) -> "tuple[Assignment, RunControl]":
    await loading.load()
    # Imported here with AG2, which only processes that run debates need.
    from conversations.orchestration.assignment import Assignment

    await service.write_off_reservations(claimed.conversation)
    state, human_input = await database.call(recovery.read, claimed.conversation, retry=True)
    control = _controls[claimed.run] = RunControl(claimed, human_input, wakeup, on_idle)
    if _leaving.here().is_set():
        control.leave()
    return Assignment(state, control, service.ConversationBudget(claimed.conversation)), control


def _count(outcome: str) -> None:
    """Count and trace the outcome of a run that did not end its debate."""
    metrics.RUNS.labels(outcome).inc()
    tracing.failed(outcome)


async def _fail(
    claimed: Lease, assignment: "Assignment | None", code: str, message: str, *, retryable: bool
) -> None:
    metrics.RUNS.labels("failed").inc()
    tracing.failed(code)
    try:
        last: list[EventData] = [
            *await _unfinished(claimed, code),
            Error(code=code, message=message, retryable=retryable),
            StatusChanged(status=Status.ERROR, mode=executor.mode(claimed, assignment), reason=code),
        ]
        await appender.append(claimed.conversation, *last, run=claimed.run)
    except (Fenced, LogUnavailable):
        logger.exception("run_failure_not_stored", code=code)


async def _unfinished(claimed: Lease, code: str) -> list[EventData]:
    try:
        return await database.call(endings.unfinished, claimed.conversation, code, retry=True)
    except LogUnavailable:
        raise
    except Exception:
        # End the debate even if its log cannot be folded, such as that of a newer release.
        logger.exception("log_not_understood")
        return []


async def _launch_all(conversations: Collection[UUID]) -> None:
    for conversation in conversations:
        launch(conversation)


async def _adopt(take: Callable[[Collection[UUID]], Awaitable[None]]) -> None:
    await loading.load()
    orphans = lease.orphans().values_list("pk", flat=True)
    while True:
        try:
            # While the database is slow, all processes' heartbeats are late, so an expired lease does not mean a dead
            # run.
            if not database.is_slow(2 * settings.OUTCRY_LEASE_HEARTBEAT_SECONDS):
                await places.admit()
                await take(await database.call(list, orphans.all(), timeout=database.REQUEST_SECONDS))
        except LogUnavailable:
            # `database` has logged the outage; the next search may succeed.
            pass
        except Exception:
            logger.exception("orphans_not_looked_for")
        await asyncio.sleep(min(ORPHANS_SECONDS, settings.OUTCRY_LEASE_HEARTBEAT_SECONDS))


async def _heartbeat(claimed: Lease, running_task: "asyncio.Task[None] | None") -> None:
    while True:
        await asyncio.sleep(settings.OUTCRY_LEASE_HEARTBEAT_SECONDS)
        control = _controls.get(claimed.run)
        try:
            is_held = await database.call(lease.renew, claimed, control is not None and control.is_idle)
        except LogUnavailable:
            # The next heartbeat may succeed; until then, `store` refuses events of a run without a lease.
            continue
        except Exception:
            logger.exception("heartbeat_failed")
            continue
        if not is_held and running_task is not None:
            logger.warning("run_lost_its_lease")
            running_task.cancel()
            return
        # In case a wake-up was lost.
        wakeups.wake_here(claimed.conversation)
