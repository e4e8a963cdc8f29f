"""A worker: takes conversations from the queue and runs them, up to OUTCRY_WORKER_DEBATES at once."""

import asyncio
import contextlib
from collections.abc import Collection
from typing import Final
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from procrastinate import App, PsycopgConnector, exceptions
from procrastinate.contrib.django.utils import connector_params
from procrastinate.jobs import Status

from conversations import database, queue, runner
from conversations.outages import QUEUE

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
    adoption = runner.adopt_orphans(_put_forgotten)
    taking = asyncio.create_task(worker.take(), name="queue")
    try:
        await stop.wait()
    finally:
        adoption.cancel()
        taking.cancel()
        # No job is taken any more, and those who took some may go on.
        await asyncio.wait({taking})
        await runner.hand_over()
        await worker.ended()


async def _put_forgotten(conversations: Collection[UUID]) -> None:
    await database.promptly(queue.put_forgotten, conversations)


class _Worker:
    def __init__(self) -> None:
        self._places = asyncio.Semaphore(settings.OUTCRY_WORKER_DEBATES)
        self._runs: set[asyncio.Task[None]] = set()

    async def take(self) -> None:
        """For ever. A queue that is away ends no run: who runs a debate is the lease's word, not the job's."""
        while True:
            try:
                await self._take()
            except _AWAY as failure:
                QUEUE.failed("queue", failure)
            except Exception:
                logger.exception("queue_failed")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _take(self) -> None:
        async with _app().open_async() as app:
            app.task(name=queue.TASK, queue=queue.QUEUE)(self._debate)
            cleaning = asyncio.create_task(_clean(app))
            try:
                await app.run_worker_async(
                    queues=[queue.QUEUE],
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
            finally:
                cleaning.cancel()

    async def _debate(self, conversation: str) -> None:
        # After an outage of the queue, runs of before it may still have their places.
        async with self._places:
            run = asyncio.create_task(_run(UUID(conversation)), name=f"job {conversation}")
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)
            await asyncio.shield(run)

    async def ended(self) -> None:
        """Once no run is left."""
        await asyncio.gather(*self._runs, return_exceptions=True)


def _app() -> App:
    connector = PsycopgConnector(
        kwargs=connector_params(), min_size=1, max_size=CONNECTIONS, timeout=PATIENCE_SECONDS
    )
    return App(connector=connector)


async def _run(conversation: UUID) -> None:
    # Cancelled where this worker leaves, or has lost its lease.
    with contextlib.suppress(asyncio.CancelledError):
        await runner.launch(conversation)
    try:
        await database.promptly(_put_back, conversation)
    except database.FAILURES:
        # It is found to be forgotten when the database is back.
        logger.warning("conversation_not_put_back", conversation=str(conversation))


def _put_back(conversation: UUID) -> None:
    """For another to go on, where it has not ended and nobody runs it."""
    if runner.is_orphan(conversation):
        queue.put(conversation)


async def _clean(app: App) -> None:
    """Jobs of workers that are gone say nothing: their conversations are found by their leases."""
    while True:
        try:
            seconds = settings.OUTCRY_LEASE_SECONDS
            for job in await app.job_manager.get_stalled_jobs(
                queue=queue.QUEUE, seconds_since_heartbeat=seconds
            ):
                await app.job_manager.finish_job(job, Status.ABORTED, delete_job=True)
            QUEUE.worked("queue")
        except _AWAY as failure:
            QUEUE.failed("queue", failure)
        await asyncio.sleep(settings.OUTCRY_LEASE_SECONDS)
