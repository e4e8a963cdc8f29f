"""The processes of a run, as the bench sees them."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.e2e.site import ROOT

STOP_SECONDS = 5.0
SAMPLE_SECONDS = 0.1


class Child:
    """A process that reads commands, one a line, and answers each with a line of JSON."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.usage = psutil.Process(process.pid)
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def send_line(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def answer(self, seconds: float) -> dict[str, Any]:
        """The next one. Raises RuntimeError when the process has ended, queue.Empty when the time is over."""
        if not (line := self._answers.get(timeout=seconds)):
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def cpu(self) -> float:
        """Seconds of one core, up to now."""
        times = self.usage.cpu_times()
        return float(times.user + times.system)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")


@contextmanager
def child(
    module: str,
    *arguments: str,
    environment: Mapping[str, str],
    errors: Path,
    package: str | None = __package__,
) -> Iterator[Child]:
    """`python -m module`, which ends with its stdin; what it complains of is appended to the file `errors`."""
    with (
        errors.open("a") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", f"{package}.{module}", *arguments],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        try:
            yield Child(process)
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def peak_memory(process: psutil.Process) -> Iterator[list[int]]:
    """The largest resident size (bytes) that is seen while the context is open, in a list of one."""
    peak = [process.memory_info().rss]
    over = threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            peak[0] = max(peak[0], process.memory_info().rss)

    sampling = threading.Thread(target=sample)
    sampling.start()
    try:
        yield peak
    finally:
        over.set()
        sampling.join()
