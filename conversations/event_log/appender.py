"""The only writer of conversations' logs.

Writing is a group commit. One thread a process commits all waiting events, of every conversation, in one transaction;
events that arrive meanwhile form the next batch. A single token is committed at once; under load batches grow, and the
thread rests between them.

After each commit the new events are announced once to the conversation's channel group. Channel layers deliver at most
once, so an announcement is a hint; the rows are authoritative.
"""

import asyncio
import contextlib
import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections
from django.utils import timezone
from tenacity import Retrying, retry_if_exception_type

from conversations.domain.errors import LogUnavailable, OutcryError
from conversations.domain.events import EventData, Token
from conversations.event_log import notifier, store
from conversations.event_log.batch_writer import BatchWriter
from conversations.event_log.store import Append, Stored
from conversations.infrastructure import database, metrics, tracing

logger = structlog.get_logger(__name__)

# Appends in one transaction: short enough for other writers of the SQLite file to get their turn.
MAX_BATCH = 2_000
# Uncommitted events of one run; at this many, the model is read no faster than events are stored.
MAX_PENDING = 1_000
# A commit that takes longer means that the database is slow.
SLOW_COMMIT_SECONDS: Final = 1.0
# In `close`: how long the writer retries while the database is unavailable, and how long to wait for its thread.
CLOSE_SECONDS: Final = 5.0
STOP_SECONDS: Final = 10.0
NOT_STORED: Final = "The conversation could not be stored."


async def append(conversation: UUID, *events: EventData, run: UUID | None = None) -> None:
    """Store events and announce them to the conversation's group; returns after the commit.

    Raises Fenced when `run` does not own the conversation, or no longer does; NotFound; and LogUnavailable."""
    appender = Appender(conversation, run)
    appender.put(*events)
    await appender.flush()


class Appender:
    """Appends a run's events, or a person's if `run` is None, to a conversation's log, in the order of the calls."""

    def __init__(self, conversation: UUID, run: UUID | None) -> None:
        self._conversation = conversation
        self._run = run
        # How many appends were queued so far, and how many of them were committed or refused.
        self._queued = 0
        self._settled = 0
        self._settling = asyncio.Event()
        self._failure: OutcryError | None = None

    async def drain(self) -> None:
        """Return once fewer than MAX_PENDING appends wait for their commit."""
        while self._queued - self._settled >= MAX_PENDING:
            await self._next_settled()

    def put(self, *events: EventData) -> None:
        """Queue events, which are stored together, without waiting for `drain`. Raises the failure of any earlier
        one."""
        self.check()
        self._queued += 1
        parent = None if isinstance(events[-1], Token) else tracing.current()
        loop = asyncio.get_running_loop()
        _writer.submit(
            _Waiting(self._conversation, self._run, events, timezone.now(), loop, self._settle, parent)
        )

    async def flush(self) -> None:
        """Return once every queued event is stored. Raises the failure of any of them."""
        queued = self._queued
        # Events are committed in order.
        while self._settled < queued:
            await self._next_settled()
        self.check()

    def check(self) -> None:
        """Raises the failure of any earlier event."""
        if self._failure is not None:
            raise self._failure

    def _settle(self, refusal: OutcryError | None) -> None:
        self._settled += 1
        self._failure = self._failure or refusal
        self._settling.set()

    async def _next_settled(self) -> None:
        self._settling.clear()
        await self._settling.wait()


def is_commit_slow() -> bool:
    """Whether the current commit has taken more than SLOW_COMMIT_SECONDS."""
    since = _under_way
    return since is not None and time.monotonic() - since > SLOW_COMMIT_SECONDS


def close() -> None:
    """Store the waiting events, then end the writer's thread and all database threads. Events that the database does
    not take within CLOSE_SECONDS are lost."""
    global _give_up
    _give_up = time.monotonic() + CLOSE_SECONDS
    _writer.stop(STOP_SECONDS)
    _give_up = math.inf
    database.close()


# Called in the caller's event loop after the commit, with the error of an append that was refused. Not a future: under
# load a batch has many tokens, and each future would wake its waiter by a callback of its own.
_Settled = Callable[[OutcryError | None], None]


@dataclass(eq=False)
class _Waiting(Append):
    loop: asyncio.AbstractEventLoop
    settled: _Settled
    # The parent of its span; None for tokens, which get no spans because they are too many.
    parent: tracing.ParentContext | None


def _commit(batch: list[_Waiting]) -> None:
    global _under_way
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = defaultdict(list)
    for waiting in batch:
        by_loop[waiting.loop].append(waiting)
        if waiting.run in _broken_runs:
            # Once an append of a run has failed, its later appends are dropped: the log must not have gaps.
            waiting.refusal = LogUnavailable(NOT_STORED)
    accepted = [waiting for waiting in batch if waiting.refusal is None]
    began, _under_way = time.time_ns(), time.monotonic()
    try:
        frames = _stored(accepted)
    finally:
        # Before the callers are notified, since they may ask at once whether the commit is slow.
        _under_way = None
    _note_commit(accepted, frames, began)
    for loop, settled in by_loop.items():
        # The loop has been closed: its callers have ended.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, settled, frames)


def _note_commit(batch: list[_Waiting], frames: Stored, began: int) -> None:
    if not frames:
        return
    ended, rows = time.time_ns(), sum(map(len, frames.values()))
    metrics.committed((ended - began) / 1e9, len(batch), rows)
    # One span for each conversation of the batch that stored anything beside tokens.
    parents = {each.conversation: each.parent for each in batch if each.parent is not None}
    for conversation, parent in parents.items():
        if stored := frames.get(conversation):
            values = {"outcry.rows": len(stored), "outcry.seq": stored[-1].seq}
            tracing.record("log.commit", parent, began, ended, values)


def _stored(batch: list[_Waiting]) -> Stored:
    """Store the batch, and set `refusal` where an append is refused. While the database is unavailable, the batch is
    retried. After any other failure each conversation is stored alone, so that one with invalid events does not fail
    the others."""
    if not batch:
        return {}
    until = time.monotonic() + settings.OUTCRY_DATABASE_PATIENCE_SECONDS
    retrying = Retrying(
        retry=retry_if_exception_type(database.TRANSIENT_ERRORS),
        wait=database.BACKOFF,
        stop=lambda _: time.monotonic() >= min(until, _give_up),
        reraise=True,
    )
    try:
        return retrying(_try_to_store, batch, [])
    except database.TRANSIENT_ERRORS as failure:
        return _lose(batch, failure)
    except Exception as failure:
        logger.exception("log_commit_failed", appends=len(batch))
        if isinstance(failure, database.FAILURES):
            connections.close_all()
        by_conversation: dict[UUID, list[_Waiting]] = defaultdict(list)
        for waiting in batch:
            by_conversation[waiting.conversation].append(waiting)
        if len(by_conversation) == 1:
            # Report it to the callers instead of raising it: the thread must survive for the next batch.
            return _lose(batch, failure)
        frames: Stored = {}
        for appends in by_conversation.values():
            frames |= _stored(appends)
        return frames


def _try_to_store(batch: list[_Waiting], attempts: list[Stored]) -> Stored:
    # If writing to the log works, so does every other use of the database.
    with database.using("log", stands_for_all=True), database.writing():
        return store.store_batch(batch, attempts)


def _lose(batch: list[_Waiting], failure: Exception) -> Stored:
    for waiting in batch:
        waiting.refusal = database.unavailable(failure, NOT_STORED)
        if waiting.run is not None:
            _broken_runs.add(waiting.run)
    logger.error("log_gave_up", appends=len(batch), reason=database.unavailable(failure).code)
    return {}


def _settle(batch: list[_Waiting], frames: Stored) -> None:
    for waiting in batch:
        waiting.settled(waiting.refusal)
    for conversation in {waiting.conversation for waiting in batch if waiting.refusal is None}:
        notifier.publish(conversation, frames[conversation])


# Runs of which an event could not be stored. Used by the writer's thread only.
_broken_runs: set[UUID] = set()
# Monotonic times: when the current commit began, and when the writer stops retrying.
_under_way: float | None = None
_give_up = math.inf

_writer = BatchWriter("outcry-log", _commit, end=connections.close_all, limit=MAX_BATCH)
