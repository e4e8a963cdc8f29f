"""The thread that commits batches: nothing is lost and nothing hangs when it is stopped while work comes in."""

import queue
import threading
from collections.abc import Callable

from conversations.event_log.batch_writer import MAX_REST, BatchWriter
from tests.fakes.waiting import PATIENCE_SECONDS


def committing(
    commit: Callable[[list[int]], None], ended: Callable[[], None] = lambda: None
) -> BatchWriter[int]:
    return BatchWriter("test-commit", commit, end=ended, limit=10)


def test_what_was_queued_before_the_stop_is_committed_in_order() -> None:
    done: list[int] = []
    ends: list[str] = []
    writer = committing(done.extend, lambda: ends.append("end"))
    for item in range(25):
        writer.submit(item)
    writer.stop()
    assert done == list(range(25))
    assert ends == ["end"]


def test_it_starts_again_after_a_stop() -> None:
    done: list[int] = []
    writer = committing(done.extend)
    writer.submit(1)
    writer.stop()
    writer.submit(2)
    writer.stop()
    assert done == [1, 2]


def test_a_batch_is_never_larger_than_its_limit() -> None:
    begun, go = threading.Event(), threading.Event()
    batches: list[list[int]] = []

    def commit(batch: list[int]) -> None:
        batches.append(batch)
        begun.set()
        assert go.wait(PATIENCE_SECONDS)

    writer = committing(commit)
    writer.submit(0)
    assert begun.wait(PATIENCE_SECONDS)
    for item in range(1, 26):
        writer.submit(item)
    go.set()
    writer.stop()
    assert batches == [[0], list(range(1, 11)), list(range(11, 21)), list(range(21, 26))]


def test_what_comes_while_it_is_being_stopped_is_committed_and_the_stop_ends() -> None:
    begun, go = threading.Event(), threading.Event()
    done: queue.Queue[int] = queue.Queue()

    def commit(batch: list[int]) -> None:
        begun.set()
        assert go.wait(PATIENCE_SECONDS)
        for item in batch:
            done.put(item)

    writer = committing(commit)
    writer.submit(1)
    assert begun.wait(PATIENCE_SECONDS)
    stopping = threading.Thread(target=writer.stop, daemon=True)
    stopping.start()
    # A new thread takes over once the old one was told to end, whatever the old one is still at.
    while writer._thread is not None:
        stopping.join(0.001)
    writer.submit(2)
    go.set()
    stopping.join(5)
    assert not stopping.is_alive()
    assert {done.get(timeout=5), done.get(timeout=5)} == {1, 2}
    writer.stop()


class Held:
    """A commit that waits until it is let go, and a sleep that only counts."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.rests: list[float] = []
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.writer = BatchWriter(
            "test-commit", self._commit, end=lambda: None, limit=10, sleep=self.rests.append
        )

    def _commit(self, batch: list[int]) -> None:
        self.batches.append(batch)
        self.begun.release()
        assert self.go.acquire(timeout=PATIENCE_SECONDS)

    def submit(self, *items: int) -> None:
        for item in items:
            self.writer.submit(item)

    def wait_for_commit(self) -> None:
        assert self.begun.acquire(timeout=PATIENCE_SECONDS)

    def finish(self, commits: int) -> None:
        for _ in range(commits):
            self.go.release()
        self.writer.stop()


def test_lone_items_are_committed_without_a_rest() -> None:
    held = Held()
    for item in (1, 2, 3):
        held.submit(item)
        held.wait_for_commit()
        held.go.release()
    held.finish(0)
    assert [len(batch) for batch in held.batches] == [1, 1, 1]
    assert held.rests == []


def test_it_rests_once_after_a_batch_of_several() -> None:
    held = Held()
    held.submit(1)
    held.wait_for_commit()
    held.submit(2, 3)
    held.go.release()
    held.wait_for_commit()
    held.submit(4)
    held.finish(2)
    assert held.batches == [[1], [2, 3], [4]]
    assert len(held.rests) == 1
    assert 0 < held.rests[0] <= MAX_REST
