"""Calling the database from async code, and noticing when it is unavailable.

Async code uses the ORM through `call` alone: Django's `sync_to_async` runs all calls of a request in one thread, so one
slow query would delay the others. Code that has a thread of its own, such as the log's writer, wraps its use of the
database in `using`.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from functools import partial
from typing import Final, TypeVar, TypeVarTuple

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from conversations.domain.errors import LogUnavailable, StorageFull
from conversations.infrastructure.availability import DATABASE

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Reads are short; more threads would only queue on SQLite's file or PostgreSQL's pool.
THREADS = 4
# The `timeout` of a call that a person waits for.
REQUEST_SECONDS: Final = 2.0
# Pauses between retries: 0.05 s, 0.1 s, 0.2 s ... 0.5 s, short enough to continue soon after the database is back.
BACKOFF: Final = wait_exponential(multiplier=0.05, max=0.5)

# What the ORM raises when the database fails. InterfaceError is not a subclass of DatabaseError.
FAILURES: Final = (DatabaseError, InterfaceError)
# Failures worth a retry: the database is locked, full or unreachable, or the connection was lost.
TRANSIENT_ERRORS: Final = (OperationalError, InterfaceError)

_writing = threading.Lock()
_new_pool = partial(ThreadPoolExecutor, THREADS, thread_name_prefix="outcry-database")
_pool = _new_pool()
# The number of failures after which connections may be dead; a thread that last saw a lower number opens new ones.
_losses = 0
_thread = threading.local()
_slow_at = -math.inf
# When each running use of the database began, in monotonic time.
_under_way: dict[object, float] = {}


async def call(
    function: Callable[[*Ts], T],
    *args: *Ts,
    timeout: float | None = None,  # noqa: ASYNC109 (it reaches the database, too)
    retry: bool = False,
) -> T:
    """Return `function(*args)`, called in one of THREADS database threads, in a copy of the caller's context.

    `timeout`: seconds to wait for a free thread, and again for another connection's lock on a SQLite database. A call
    that times out before it gets a thread is never made. None: wait for a thread without limit, and for a lock as
    settings say. `retry`: while the database is unavailable, call again, for OUTCRY_DATABASE_PATIENCE_SECONDS. A call
    whose answer was lost is repeated, so the function must be idempotent.

    Raises LogUnavailable, or its subclass StorageFull, when the database fails, and any other exception of the
    function."""
    try:
        if not retry:
            return await _call(function, args, timeout)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TRANSIENT_ERRORS),
            wait=BACKOFF,
            stop=stop_after_delay(settings.OUTCRY_DATABASE_PATIENCE_SECONDS),
            reraise=True,
        )
        return await retrying(_call, function, args, timeout)
    except FAILURES as failure:
        raise unavailable(failure) from failure


async def _call(function: Callable[[*Ts], T], args: tuple[*Ts], seconds: float | None) -> T:
    work = _pool.submit(copy_context().run, _in_thread, function, args, seconds)
    result = asyncio.wrap_future(work)
    if seconds is not None:
        await asyncio.wait({result}, timeout=seconds)
        if not result.done() and work.cancel():
            raise OperationalError("No database thread was free in time.")
    return await result


def _in_thread(function: Callable[[*Ts], T], args: tuple[*Ts], seconds: float | None) -> T:
    with using(getattr(function, "__qualname__", repr(function))), lock_timeout(seconds):
        return function(*args)


def unavailable(
    failure: BaseException,
    message: str = "The server cannot reach its database just now. Try again in a moment.",
) -> LogUnavailable:
    """The error for callers: StorageFull if the disk is full, else LogUnavailable with the message."""
    cause = failure.__cause__
    if (
        getattr(cause, "sqlite_errorname", None) == "SQLITE_FULL"
        or getattr(cause, "sqlstate", None) == "53100"
    ):
        return StorageFull("The server's disk is full; nothing was stored.")
    return LogUnavailable(message)


@contextmanager
def using(what: str, *, stands_for_all: bool = False) -> Iterator[None]:
    """Context around each use of the database, in its thread: replaces connections that an outage may have broken, and
    logs the outage once. `what` names the use; `stands_for_all`: if this use works, all others do."""
    global _losses, _slow_at
    if getattr(_thread, "losses", _losses) != _losses:
        connections.close_all()
    _thread.losses = _losses
    use, began = object(), time.monotonic()
    _under_way[use] = began
    try:
        # Django does not turn the driver's own errors into its own where a server-side cursor is closed.
        with connection.wrap_database_errors:
            yield
    except TRANSIENT_ERRORS as failure:
        # The connection may be dead: the next use opens a new one.
        connections.close_all()
        _slow_at = time.monotonic()
        _losses += 1
        DATABASE.failed(what, failure, began, reason=unavailable(failure).code)
        raise
    finally:
        del _under_way[use]
        if _is_long(began):
            _slow_at = time.monotonic()
    DATABASE.worked(what, stands_for_all=stands_for_all)


def writing() -> AbstractContextManager[object]:
    """Context around a short writing transaction. SQLite allows one writer at a time; the others poll with growing
    pauses, so the log's writer would often be last. Within this process a lock makes the writers take turns."""
    return _writing if connection.vendor == "sqlite" else contextlib.nullcontext()


@contextmanager
def lock_timeout(seconds: float | None) -> Iterator[None]:
    """Limit how long statements of this thread wait for another connection's lock on a SQLite database. None leaves the
    limit of the settings; other databases are unaffected."""
    if seconds is None or connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")
        try:
            yield
        finally:
            # A connection that failed is closed anyway.
            if connection.connection is not None:
                connection.connection.execute(f"PRAGMA busy_timeout = {before}")


def is_slow(within: float) -> bool:
    """Whether a use of the database takes, or took within the last `within` seconds, long enough to delay heartbeats. A
    lease that expired then does not prove that its run is dead."""
    return time.monotonic() - _slow_at <= within or any(map(_is_long, [*_under_way.values()]))


def _is_long(since: float) -> bool:
    # A shorter use cannot have delayed a heartbeat until the lease expired.
    return time.monotonic() - since > settings.OUTCRY_LEASE_HEARTBEAT_SECONDS


def close() -> None:
    """End the threads and their connections; the next `call` starts new ones."""
    global _pool, _slow_at
    pool, _pool = _pool, _new_pool()
    barrier = threading.Barrier(THREADS)
    for _ in range(THREADS):
        pool.submit(_close_thread, barrier)
    pool.shutdown(wait=True)
    _slow_at = -math.inf
    DATABASE.reset()


def _close_thread(barrier: threading.Barrier) -> None:
    # The barrier makes every thread take exactly one of these.
    with contextlib.suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=10)
    connections.close_all()
