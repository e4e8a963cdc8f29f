"""Executes queries in processes of their own, which are bounded and killed.

A process takes a quarter of a second to start, so up to WARM of them are started ahead, after the first query. Each
executes one query and ends: nothing of it reaches the next one. `run` blocks; call it in one of WARM threads.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evidence import processes
from evidence.sandbox.findings import Findings
from evidence.sandbox.limits import MAX_BYTES, SECONDS
from evidence.sandbox.refusals import STOPPED, NoResult

WARM: Final = 2
# A machine that is starting other things needs seconds for it.
START_SECONDS: Final = 30
# Processes that wait longer than this for a query end: 60 MB each.
IDLE_SECONDS: Final = 120
# A result, its columns, and the escapes of its characters.
_MAX_OUTPUT: Final = 8 * MAX_BYTES


@dataclass(frozen=True)
class Result:
    """`rows` hold JSON values, see `values`. `types` are DuckDB's. `truncated`: something is left out, because there is
    more than a result may have. `findings` are None unless they were asked for, and there was time for them."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    findings: Findings | None = None


class Pool:
    """Processes that wait for a query. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[subprocess.Popen[bytes]] = []
        self._idle: threading.Timer | None = None

    def run(
        self, paths: Sequence[Path], tables: Sequence[str], sql: str, *, examined: bool = False
    ) -> Result:
        """The result of the query over these tables, which are in these files; with its findings, if it is to be
        examined. Blocks for SECONDS, and for as long as a process takes to start. Raises NoResult."""
        query = {
            "paths": [str(path) for path in paths],
            "tables": [*tables],
            "sql": sql,
            "examined": examined,
        }
        process = self._take()
        try:
            return _ask(process, query)
        finally:
            _end(process)

    def close(self) -> None:
        """End the processes that wait."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if self._idle is not None:
                self._idle.cancel()
        for process in waiting:
            _end(process)

    def _take(self) -> subprocess.Popen[bytes]:
        with self._lock:
            process = self._waiting.pop(0) if self._waiting else _start()
            while len(self._waiting) < WARM:
                self._waiting.append(_start())
            if self._idle is not None:
                self._idle.cancel()
            self._idle = threading.Timer(IDLE_SECONDS, self.close)
            self._idle.daemon = True
            self._idle.start()
        return process


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "evidence.sandbox"],
        cwd=processes.REPOSITORY,
        env=processes.ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _ask(process: subprocess.Popen[bytes], query: dict[str, Any]) -> Result:
    assert process.stdin is not None  # noqa: S101 (for the type checker)
    assert process.stdout is not None  # noqa: S101
    with _killed_after(process, START_SECONDS):
        if not process.stdout.readline():
            raise NoResult(STOPPED, "its process did not start.")
    with _killed_after(process, SECONDS):
        process.stdin.write(json.dumps(query).encode() + b"\n")
        process.stdin.flush()
        printed = process.stdout.read(_MAX_OUTPUT)
    result, _, more = printed.partition(b"\n")
    try:
        found = json.loads(result)
    except ValueError:
        # It was killed, by us or by its own limits.
        raise NoResult(STOPPED, f"it takes more than {SECONDS} seconds, or too much memory.") from None
    if "code" in found:
        raise NoResult(found["code"], found["detail"])
    return Result(
        tuple(found["columns"]),
        tuple(found["types"]),
        tuple(map(tuple, found["rows"])),
        found["truncated"],
        # Without an end of line, it was killed in the middle.
        Findings.model_validate_json(more) if more.endswith(b"\n") else None,
    )


@contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
