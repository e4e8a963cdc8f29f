"""A worker: takes conversations from the queue and runs them, up to OUTCRY_WORKER_DEBATES at once."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
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
from conversations.runs import job_queue, lease, supervisor

logger = structlog.get_logger(__name__)

# How often jobs are looked for that no bell told of.
POLL_SECONDS: Final = 1.0
# Until the queue is asked again after it failed.
PAUSE_SECONDS: Final = 0.5
# How long one question to the queue waits for a connection.
PATIENCE_SECONDS: Final = 2.0
# Connections of the queue, beside the one that listens.
CONNECTIONS: Final = 2

_AWAY: Final = (exceptions.ConnectorException, psycopg.OperationalError)


async def work(stop: asyncio.Event) -> None:
    """Until `stop` is set; then every run is handed over, for other workers to go on at once."""
    worker = _Worker()
    adoption = supervisor.adopt_orphans(_put_forgotten)
    taking = asyncio.create_task(worker.take(), name="queue")
    try:
        await stop.wait()
    finally:
        adoption.cancel()
        taking.cancel()
        # No job is taken any more, and those who took some may go on. A queue that is away may take its time.
        await asyncio.wait({taking}, timeout=PATIENCE_SECONDS)
        await supervisor.hand_over()
        await worker.ended()
        await asyncio.wait({taking}, timeout=PATIENCE_SECONDS)


async def _put_forgotten(conversations: Collection[UUID]) -> None:
    await database.call(job_queue.put_forgotten, conversations, timeout=database.REQUEST_SECONDS)


class _Places:
    """So many debates speak at once. A debate that waits for people needs no place; when it goes on, it goes on, and
    there may be more of them than places for a while."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._changed = asyncio.Event()

    async def take(self, seconds: float) -> bool:
        """Whether there was one, within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while self._free <= 0:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        self._free -= 1
        return True

    def take_anyway(self) -> None:
        self._free -= 1

    def give(self) -> None:
        self._free += 1
        self._changed.set()


class _Worker:
    def __init__(self) -> None:
        self._places = _Places(settings.OUTCRY_WORKER_DEBATES)
        self._runs: set[asyncio.Task[None]] = set()

    async def take(self) -> None:
        """Until cancelled. A queue that is away ends no run: who runs a debate is the lease's word, not the job's."""
        this = asyncio.current_task()
        assert this is not None  # noqa: S101 (for the type checker)
        while True:
            try:
                await self._take()
            except _AWAY as failure:
                QUEUE.failed("queue", failure)
            except Exception:
                logger.exception("queue_failed")
            # Where the queue is away, its own end fails, and would hide that it was told to end.
            if this.cancelling():
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _take(self) -> None:
        # Opened here: the queue's own way waits half a minute, and is late when the database is back.
        async with _pool() as pool:
            await pool.wait(PATIENCE_SECONDS)
            QUEUE.worked("queue")
            app = App(connector=PsycopgConnector())
            app.task(name=job_queue.TASK, queue=job_queue.QUEUE)(self._debate)
            _clean_each_minute(app)
            await app.open_async(pool)
            await app.run_worker_async(
                queues=[job_queue.QUEUE],
                concurrency=settings.OUTCRY_WORKER_DEBATES,
                fetch_job_polling_interval=POLL_SECONDS,
                # A run outlives its job: it is ended by `work`.
                shutdown_graceful_timeout=0,
                install_signal_handlers=False,
                delete_jobs="always",
                # A worker counts as dead when its leases lapse.
                update_heartbeat_interval=settings.OUTCRY_LEASE_HEARTBEAT_SECONDS,
                stalled_worker_timeout=settings.OUTCRY_LEASE_SECONDS,
            )

    async def _debate(self, conversation: str) -> None:
        if not await self._places.take(POLL_SECONDS):
            # Taken by runs that have outlived their jobs. Another worker may have one.
            await database.call(job_queue.put, UUID(conversation), timeout=database.REQUEST_SECONDS)
            return
        place = _Place(self._places)
        run = asyncio.create_task(_run(UUID(conversation), place.rests), name=f"job {conversation}")
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        run.add_done_callback(lambda _: place.leave())
        # The job is done when its place is free again.
        await place.left.wait()

    async def ended(self) -> None:
        """Once no run is left."""
        await asyncio.gather(*self._runs, return_exceptions=True)


class _Place:
    """One that a run has taken; `left` once it was given back for the first time."""

    def __init__(self, places: _Places) -> None:
        self._places = places
        self._is_held = True
        self.left = asyncio.Event()

    def rests(self, rests: bool) -> None:
        """Whether the run now waits for people."""
        if rests:
            self.leave()
        elif not self._is_held:
            self._is_held = True
            self._places.take_anyway()

    def leave(self) -> None:
        if self._is_held:
            self._is_held = False
            self._places.give()
            self.left.set()


def _pool() -> AsyncConnectionPool:
    return AsyncConnectionPool(
        kwargs=connector_params(),
        min_size=1,
        max_size=CONNECTIONS,
        timeout=PATIENCE_SECONDS,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )


def _clean_each_minute(app: App) -> None:
    """Jobs of workers that are gone say nothing: their conversations are found by their leases.

    A worker without any periodic task would not notice that its connection to the bell is gone."""

    @app.periodic(cron="* * * * *")
    @app.task(name="conversations.clean", queue=job_queue.QUEUE, queueing_lock="clean")
    async def clean(timestamp: int) -> None:
        seconds = settings.OUTCRY_LEASE_SECONDS
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds):
            await app.job_manager.finish_job(job, Status.ABORTED, delete_job=True)


async def _run(conversation: UUID, rests: Callable[[bool], None]) -> None:
    # Cancelled where this worker leaves, or has lost its lease.
    with contextlib.suppress(asyncio.CancelledError):
        await supervisor.launch(conversation, rests)
    try:
        await database.call(_put_back, conversation, timeout=database.REQUEST_SECONDS)
    except LogUnavailable:
        # It is found to be forgotten when the database is back.
        logger.warning("conversation_not_put_back", conversation=str(conversation))


def _put_back(conversation: UUID) -> None:
    """For another to go on, where it has not ended and nobody runs it."""
    if lease.orphans().filter(pk=conversation).exists():
        job_queue.put(conversation)
