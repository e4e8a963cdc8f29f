"""Database work off the event loop, in threads of our own, and what becomes of it while the database is away.

Django's `sync_to_async` runs everything in one thread a request, which a long page would hold up.
"""

import asyncio
import contextlib
import contextvars
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections

from conversations.domain.errors import LogUnavailable, StorageFull
from conversations.infrastructure.availability import DATABASE

P = ParamSpec("P")
T = TypeVar("T")

# Reads are short; more threads than this only queue on SQLite's file or PostgreSQL's pool.
THREADS = 4
# How long a person waits for another's lock on the whole database, or for a thread.
PROMPT_SECONDS: Final = 2.0
# Between two tries: short enough to go on soon after the database is back.
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 0.5

# What the ORM raises when the database is away or refuses; the second is no kind of the first.
FAILURES: Final = (DatabaseError, InterfaceError)
# Of these, what another try may not meet: it is locked, full or gone, or the connection was lost.
AWAY: Final = (OperationalError, InterfaceError)

_lock = threading.Lock()
_writing = threading.Lock()
_pool: ThreadPoolExecutor | None = None
# Every outage leaves connections behind that are dead and do not know it.
_losses = 0
_thread = threading.local()
_strained_at = -math.inf
# Since when each use of the database is under way.
_under_way: dict[object, float] = {}


async def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function`, which uses the ORM, in a database thread."""
    work = partial(_with_connection, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_executor(), work)


async def promptly(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for what a person waits for: where the whole database is locked, it fails within a few seconds, and
    then nothing of it happens later."""
    work = _executor().submit(_with_connection, partial(_impatient, function, *args, **kwargs))
    result = asyncio.wrap_future(work)
    await asyncio.wait({result}, timeout=PROMPT_SECONDS)
    if not result.done() and work.cancel():
        raise OperationalError("No database thread was free in time.")
    return await result


async def patiently(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same as `run` for what a run needs: while the database is away it is called again, for as long as
    OUTCRY_DATABASE_PATIENCE_SECONDS. What it writes must bear to be written twice."""
    until = time.monotonic() + settings.OUTCRY_DATABASE_PATIENCE_SECONDS
    for pause in pauses():
        try:
            return await run(function, *args, **kwargs)
        except AWAY:
            if time.monotonic() >= until:
                raise
        await asyncio.sleep(pause)
    raise AssertionError  # pauses() has no end


async def surely(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same, for a run, which goes by one word for a database that does not answer in the end. Raises
    LogUnavailable."""
    try:
        return await patiently(function, *args, **kwargs)
    except FAILURES as failure:
        raise unavailable(failure) from failure


def pauses() -> Iterator[float]:
    """Seconds to wait after each try that failed; without an end."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


@contextmanager
def contact(what: str, *, wholly: bool = False) -> Iterator[None]:
    """Around each use of the database, in its thread: a connection of before an outage is not used again, and an
    outage is told to the log once. `wholly`: where this works, all does."""
    global _losses
    if getattr(_thread, "losses", _losses) != _losses:
        connections.close_all()
    _thread.losses = _losses
    use, began = object(), time.monotonic()
    _under_way[use] = began
    try:
        yield
    except AWAY as failure:
        # The connection may be dead: the next call opens a new one.
        connections.close_all()
        _strain()
        _losses += 1
        DATABASE.failed(what, failure, began, reason=unavailable(failure).code)
        raise
    finally:
        del _under_way[use]
        if _is_long(began):
            _strain()
    DATABASE.worked(what, wholly=wholly)


@contextmanager
def writing() -> Iterator[None]:
    """Around each of many short transactions that write. Where the database takes one writer at a time, this process's
    take turns: SQLite would have them look again and again, with pauses, and the log's writer would often come last."""
    if connection.vendor != "sqlite":
        yield
        return
    with _writing:
        yield


def _is_long(since: float) -> bool:
    # What takes less cannot have kept a heartbeat from its lease for as long as the lease lasts.
    return time.monotonic() - since > settings.OUTCRY_LEASE_HEARTBEAT_SECONDS


def _strain() -> None:
    global _strained_at
    _strained_at = time.monotonic()


def strained(within: float) -> bool:
    """Whether the database keeps this process waiting, or did in the last so many seconds: that a lease has lapsed then
    says nothing about its run."""
    return time.monotonic() - _strained_at <= within or any(map(_is_long, [*_under_way.values()]))


def unavailable(
    failure: BaseException, message: str = "The conversation could not be stored."
) -> LogUnavailable:
    """The failure for people: StorageFull where that is why, else LogUnavailable with the message."""
    cause = failure.__cause__
    if (
        getattr(cause, "sqlite_errorname", None) == "SQLITE_FULL"
        or getattr(cause, "sqlstate", None) == "53100"
    ):
        return StorageFull("The server's disk is full; nothing was stored.")
    return LogUnavailable(message)


def close() -> None:
    """End the threads and their connections; the next `run` starts new ones."""
    global _pool, _strained_at
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        barrier = threading.Barrier(THREADS)
        for _ in range(THREADS):
            pool.submit(_close_thread, barrier)
        pool.shutdown(wait=True)
    _strained_at = -math.inf
    DATABASE.forget()


def _executor() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(THREADS, thread_name_prefix="outcry-database")
        return _pool


def _with_connection(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with contact(_name(function)):
        return function(*args, **kwargs)


def _impatient(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with patience(PROMPT_SECONDS):
        return function(*args, **kwargs)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """How long what is done meanwhile, in this thread, waits for another's lock on the whole database. Only SQLite
    has one."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")
        try:
            yield
        finally:
            # A connection that failed is closed anyway.
            if connection.connection is not None:
                connection.connection.execute(f"PRAGMA busy_timeout = {patience}")


def _name(function: Any) -> str:
    while isinstance(function, partial):
        # What only calls another: that one is meant.
        only_calls = function.func is _impatient or isinstance(
            getattr(function.func, "__self__", None), contextvars.Context
        )
        function = function.args[0] if only_calls else function.func
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def _close_thread(barrier: threading.Barrier) -> None:
    # Waiting for each other makes every thread take exactly one of these.
    with contextlib.suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=10)
    connections.close_all()
