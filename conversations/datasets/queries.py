"""Queries over datasets, in the sandbox, and the threads in which it and the loading of files are waited for."""

import asyncio
import atexit
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar, TypeVarTuple

from django.db import connections

from conversations.datasets import files, store
from conversations.infrastructure import database
from conversations.models import Dataset
from evidence.datasets.refusals import Refused
from evidence.sandbox import pool
from evidence.sandbox.pool import Pool, Result
from evidence.sandbox.refusals import NoResult

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Files that are loaded at once; further ones wait. Each takes a processor for up to two minutes.
_loaders = ThreadPoolExecutor(1, thread_name_prefix="outcry-datasets")
_threads = ThreadPoolExecutor(pool.WARM, thread_name_prefix="outcry-queries")
_pool = Pool()
atexit.register(_pool.close)


async def run(datasets: Sequence[Dataset], sql: str, *, examined: bool = False) -> Result:
    """The result of a query over the tables of these datasets; with its findings, if it is to be examined. Raises
    NoResult."""
    try:
        paths = [await load(files.present, dataset) for dataset in datasets]
    except Refused as refused:
        raise NoResult("query_failed", str(refused)) from None
    names = sorted(store.table_names(datasets))
    query = partial(_pool.run, paths, names, sql, examined=examined)
    return await asyncio.get_running_loop().run_in_executor(_threads, query)


async def load(work: Callable[[*Ts], T], *args: *Ts) -> T:
    """Return `work(*args)`, which reads files, and may use the database."""
    return await asyncio.get_running_loop().run_in_executor(_loaders, _in_thread, work, *args)


def _in_thread(work: Callable[[*Ts], T], *args: *Ts) -> T:
    try:
        with database.using("datasets"):
            return work(*args)
    finally:
        # This thread seldom needs its connection.
        connections.close_all()
