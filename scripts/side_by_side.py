"""Parts of a long command, several at once: each is told whole when it ends."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.console import environment, say
from scripts.places import ROOT


@dataclass(frozen=True)
class Part:
    """A command with its own words for what it does."""

    name: str
    command: Sequence[str | Path]
    cwd: Path = ROOT
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a part came out: its exit status, and how many seconds it took."""

    part: Part
    status: int
    seconds: float

    def __str__(self) -> str:
        return f"{'FAILED' if self.status else 'ok':<8}{self.part.name} ({self.seconds:.1f} s)"


# Parts that wait for nothing are best run as many at once; of those that do, there may be one more.
PROCESSORS: Final = os.cpu_count() or 1
# How often it is said what is still to come: whoever waits takes a long silence for an end.
SILENCE_SECONDS: Final = 60.0


def run_all(parts: Sequence[Part], *, at_once: int = PROCESSORS) -> list[Ended]:
    """All of them, also after one has failed; they begin in the order given. What a part prints comes in one piece."""
    telling = threading.Lock()
    running: set[subprocess.Popen[bytes]] = set()

    def run(part: Part) -> Ended:
        with tempfile.TemporaryFile() as said:
            started = time.monotonic()
            try:
                process = subprocess.Popen(
                    part.command,
                    cwd=part.cwd,
                    env=environment(dict(part.env)),
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                )
            except OSError as error:
                said.write(f"{part.command[0]} does not start: {error.strerror}\n".encode())
                status = 127
            else:
                running.add(process)
                status = process.wait()
                running.discard(process)
            ended = Ended(part, status, time.monotonic() - started)
            said.seek(0)
            with telling:
                say(f"{part.name}:")
                print(said.read().decode(errors="replace"), end="", flush=True)
        return ended

    say(f"Running side by side: {'; '.join(part.name for part in parts)}")
    with ThreadPoolExecutor(at_once) as lanes:
        ends = {lanes.submit(run, part): part.name for part in parts}
        try:
            while left := wait(ends, timeout=SILENCE_SECONDS).not_done:
                with telling:
                    say(f"To come: {'; '.join(name for end, name in ends.items() if end in left)}")
            return [end.result() for end in ends]
        except BaseException:
            # A Ctrl-C reaches them by itself; whatever else stops us, does not.
            lanes.shutdown(wait=False, cancel_futures=True)
            for process in (*running,):
                process.terminate()
            raise


def summary(ends: Sequence[Ended]) -> int:
    """Tell how all came out; how many have failed."""
    failed = sum(bool(end.status) for end in ends)
    say(f"{len(ends) - failed} of {len(ends)} passed")
    print("\n".join(f"    {end}" for end in ends), flush=True)
    return failed
