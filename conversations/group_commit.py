"""A thread that takes what has come in since its last turn, and hands it on in one batch."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class GroupCommit(Generic[T]):
    """Calls `commit(batch)` with everything submitted so far, in order, one call at a time.

    `commit` must not raise. The thread starts with the first item and can be stopped and started again."""

    def __init__(
        self, name: str, commit: Callable[[list[T]], None], *, end: Callable[[], None], limit: int
    ) -> None:
        self._name = name
        self._commit = commit
        self._end = end
        self._limit = limit
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, item: T) -> None:
        """Queue an item; returns at once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._queue.put(item)

    def stop(self) -> None:
        """Commit what is queued, call `end` in the thread, and wait for it."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        running = True
        while running:
            batch, running = self._gather()
            if batch:
                self._commit(batch)
        self._end()

    def _gather(self) -> tuple[list[T], bool]:
        batch: list[T] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == self._limit:
                return batch, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False
