"""Database work off the event loop, in threads of our own.

Django's `sync_to_async` runs everything in one thread a request, which a long page would hold up.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connections

P = ParamSpec("P")
T = TypeVar("T")

# Reads are short; more threads than this only queue on SQLite's file or PostgreSQL's pool.
THREADS = 4

# What the ORM raises when the database is away or refuses; the second is no kind of the first.
FAILURES: Final = (DatabaseError, InterfaceError)

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


async def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function`, which uses the ORM, in a database thread."""
    work = partial(_with_connection, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_executor(), work)


def close() -> None:
    """End the threads and their connections; the next `run` starts new ones."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        barrier = threading.Barrier(THREADS)
        for _ in range(THREADS):
            pool.submit(_close_thread, barrier)
        pool.shutdown(wait=True)


def _executor() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(THREADS, thread_name_prefix="outcry-database")
        return _pool


def _with_connection(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return function(*args, **kwargs)
    except (OperationalError, InterfaceError):
        # The connection may be dead: the next call opens a new one.
        connections.close_all()
        raise


def _close_thread(barrier: threading.Barrier) -> None:
    # Waiting for each other makes every thread take exactly one of these.
    with contextlib.suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=10)
    connections.close_all()
