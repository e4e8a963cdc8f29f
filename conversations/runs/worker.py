"""A worker: takes conversations from the queue and runs them, up to OUTCRY_WORKER_DEBATES at once."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from functools import partial
from typing import Final
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from procrastinate import App, PsycopgConnector, exceptions
from procrastinate.contrib.django.utils import connector_params
from procrastinate.jobs import Status
from psycopg_pool import AsyncConnectionPool

from conversations.domain.errors import LogUnavailable
from conversations.infrastructure import database
from conversations.infrastructure.availability import QUEUE
from conversations.infrastructure.event_loop import BackgroundTasks
from conversations.runs import job_queue, lease, supervisor

logger = structlog.get_logger(__name__)

# Pause between two polls for jobs whose notification was lost.
POLL_SECONDS: Final = 1.0
# Pause before the queue is opened again after a failure.
PAUSE_SECONDS: Final = 0.5
# How long one query may wait for a connection.
PATIENCE_SECONDS: Final = 2.0
# Connections of the queue, in addition to the listening one.
CONNECTIONS: Final = 2

_TRANSIENT_ERRORS: Final = (exceptions.ConnectorException, psycopg.OperationalError)


async def work(stop: asyncio.Event) -> None:
    """Work until `stop` is set, then stop every run, so that other workers can continue at once."""
    worker = _Worker()
    adoption = supervisor.adopt_orphans(_enqueue_missing)
    consuming = asyncio.create_task(worker.consume(), name="queue")
    try:
        await stop.wait()
    finally:
        adoption.cancel()
        consuming.cancel()
        # Take no more jobs. Closing an unavailable queue may take longer, but the runs do not wait for it.
        await asyncio.wait({consuming}, timeout=PATIENCE_SECONDS)
        await supervisor.hand_over()
        await worker.runs_ended()
        await asyncio.wait({consuming}, timeout=PATIENCE_SECONDS)


async def _enqueue_missing(conversations: Collection[UUID]) -> None:
    if conversations:
        await database.call(job_queue.enqueue_missing, conversations, timeout=database.REQUEST_SECONDS)


class _Slots:
    """Limits the number of active debates. A debate that waits for people releases its slot, and takes one back without
    waiting, so the limit may be exceeded for a while."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._held: set[object] = set()
        self._released = asyncio.Event()

    async def acquire(self, run: object, seconds: float) -> bool:
        """Take a slot. Returns False if none became free within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._until(lambda: len(self._held) < self._number)
        except TimeoutError:
            return False
        self._held.add(run)
        return True

    def set_idle(self, run: object, is_idle: bool) -> None:
        """The debate begins to wait for people or has ended, or it continues."""
        if is_idle:
            self._held.discard(run)
            self._released.set()
        else:
            self._held.add(run)

    async def released(self, run: object) -> None:
        """Return once the run holds no slot."""
        await self._until(lambda: run not in self._held)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._released.clear()
            await self._released.wait()


class _Worker:
    def __init__(self) -> None:
        self._slots = _Slots(settings.OUTCRY_WORKER_DEBATES)
        self._runs = BackgroundTasks()

    async def consume(self) -> None:
        """Take jobs until cancelled. An outage of the queue ends no run, since a run depends on its lease, not on its
        job."""
        this = asyncio.current_task()
        assert this is not None  # noqa: S101 (for the type checker)
        while True:
            try:
                await self._consume()
            except _TRANSIENT_ERRORS as failure:
                QUEUE.failed("queue", failure)
            except Exception:
                logger.exception("queue_failed")
            # Closing an unavailable queue raises its own error in place of the cancellation.
            if this.cancelling():
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _consume(self) -> None:
        # Our own pool: procrastinate's waits up to 30 s for a connection, and is slow to notice that the database is
        # back.
        async with _pool() as pool:
            await pool.wait(PATIENCE_SECONDS)
            QUEUE.worked("queue")
            app = App(connector=PsycopgConnector())
            app.task(name=job_queue.TASK, queue=job_queue.QUEUE)(self._debate)
            _delete_stalled_each_minute(app)
            await app.open_async(pool)
            await app.run_worker_async(
                queues=[job_queue.QUEUE],
                concurrency=settings.OUTCRY_WORKER_DEBATES,
                fetch_job_polling_interval=POLL_SECONDS,
                # Do not wait for runs, which may outlive their jobs: `work` stops them.
                shutdown_graceful_timeout=0,
                install_signal_handlers=False,
                delete_jobs="always",
                # A worker counts as dead when its leases expire.
                update_heartbeat_interval=settings.OUTCRY_LEASE_HEARTBEAT_SECONDS,
                stalled_worker_timeout=settings.OUTCRY_LEASE_SECONDS,
            )

    async def _debate(self, conversation: str) -> None:
        slot = object()
        if not await self._slots.acquire(slot, POLL_SECONDS):
            # All slots are held by runs that have outlived their jobs. Another worker may have a free one.
            await database.call(job_queue.enqueue, UUID(conversation), timeout=database.REQUEST_SECONDS)
            return
        on_idle = partial(self._slots.set_idle, slot)
        run = self._runs.spawn(_run(UUID(conversation), on_idle), f"job {conversation}")
        run.add_done_callback(lambda _: on_idle(True))
        # The job ends when its slot is released.
        await self._slots.released(slot)

    async def runs_ended(self) -> None:
        """Return once no run is left."""
        await asyncio.gather(*self._runs.here(), return_exceptions=True)


def _pool() -> AsyncConnectionPool:
    return AsyncConnectionPool(
        kwargs=connector_params(),
        min_size=1,
        max_size=CONNECTIONS,
        timeout=PATIENCE_SECONDS,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )


def _delete_stalled_each_minute(app: App) -> None:
    """Delete the jobs of dead workers, whose conversations are adopted when their leases expire.

    It also makes a worker notice a lost connection for notifications, which needs any periodic task."""

    @app.periodic(cron="* * * * *")
    @app.task(name="conversations.clean", queue=job_queue.QUEUE, queueing_lock="clean")
    async def clean(timestamp: int) -> None:
        seconds = settings.OUTCRY_LEASE_SECONDS
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds):
            await app.job_manager.finish_job(job, Status.ABORTED, delete_job=True)


async def _run(conversation: UUID, on_idle: Callable[[bool], None]) -> None:
    # A run is cancelled when this worker stops or has lost the lease.
    with contextlib.suppress(asyncio.CancelledError):
        await supervisor.launch(conversation, on_idle)
    try:
        await database.call(_enqueue_orphan, conversation, timeout=database.REQUEST_SECONDS)
    except LogUnavailable:
        # The conversation is adopted when the database is available.
        logger.warning("conversation_not_put_back", conversation=str(conversation))


def _enqueue_orphan(conversation: UUID) -> None:
    """Enqueue the conversation for another worker, unless it has ended or has a valid lease."""
    if lease.orphans().filter(pk=conversation).exists():
        job_queue.enqueue(conversation)
