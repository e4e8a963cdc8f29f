"""A thread that commits everything submitted since its last commit as one batch.

Under load, small batches that follow each other at once cost more than they save in time: each takes locks, wakes the
event loop, and is announced. So the thread rests after a batch of several items, for longer the longer commits take; a
lone item is committed at once.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# A rest as a multiple of the commit before it, and the longest, in seconds.
REST_FACTOR: Final = 4
MAX_REST: Final = 0.005


@dataclass(eq=False)
class BatchWriter(Generic[T]):
    """Calls `commit(batch)` with everything submitted so far, in order, at most `limit` items and one call at a time.

    `commit` must not raise. The thread starts with the first item and can be stopped and started again; it calls `end`
    when it ends, and rests by `sleep(seconds)`."""

    name: str
    commit: Callable[[list[T]], None]
    end: Callable[[], None]
    limit: int
    sleep: Callable[[float], None] = time.sleep
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    # A None ends the thread that takes it, and the next thread waits for that, so it never takes it.
    _queue: "queue.SimpleQueue[T | None]" = field(default_factory=queue.SimpleQueue, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _ending: threading.Thread | None = field(default=None, init=False)

    def submit(self, item: T) -> None:
        """Queue an item; returns at once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, args=(self._ending,), name=self.name, daemon=True
                )
                self._thread.start()
            self._queue.put(item)

    def stop(self, timeout: float | None = None) -> None:
        """Commit what is queued, call `end` in the thread, and wait for it, at most `timeout` seconds."""
        with self._lock:
            if self._thread is not None:
                self._ending, self._thread = self._thread, None
                self._queue.put(None)
            ending = self._ending
        if ending is not None:
            ending.join(timeout)

    def _work(self, before: threading.Thread | None) -> None:
        if before is not None:
            # One call at a time and in order: items queued before the stop are committed first.
            before.join()
        running = True
        while running:
            batch, running = self._gather()
            if not batch:
                continue
            began = time.monotonic()
            self.commit(batch)
            if running and len(batch) > 1:
                self.sleep(min(MAX_REST, REST_FACTOR * (time.monotonic() - began)))
        self.end()

    def _gather(self) -> tuple[list[T], bool]:
        batch: list[T] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == self.limit:
                return batch, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False
