"""Run the parts of a long command side by side, and print the output of each when it ends."""

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
    """A command, and a name for people."""

    name: str
    command: Sequence[str | Path]
    cwd: Path = ROOT
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """The exit status of a part, and the seconds it took."""

    part: Part
    status: int
    seconds: float

    def __str__(self) -> str:
        return f"{'FAILED' if self.status else 'ok':<8}{self.part.name} ({self.seconds:.1f} s)"


PROCESSORS: Final = os.cpu_count() or 1
# After so much silence, print which parts are still to come.
SILENCE_SECONDS: Final = 60.0


def run_all(parts: Sequence[Part], *, at_once: int = PROCESSORS) -> list[Ended]:
    """Run all parts, also after one has failed; they begin in the order given. A part's output is printed when it
    ends, so that outputs do not mix."""
    printing = threading.Lock()
    running: set[subprocess.Popen[bytes]] = set()
    say(f"Running side by side: {'; '.join(part.name for part in parts)}")
    with ThreadPoolExecutor(at_once) as lanes:
        ends = {lanes.submit(_run, part, running, printing): part.name for part in parts}
        try:
            while left := wait(ends, timeout=SILENCE_SECONDS).not_done:
                with printing:
                    say(f"To come: {'; '.join(name for end, name in ends.items() if end in left)}")
            return [end.result() for end in ends]
        except BaseException:
            # Ctrl-C reaches the processes by itself, other reasons to stop do not.
            lanes.shutdown(wait=False, cancel_futures=True)
            for process in (*running,):
                process.terminate()
            raise


def _run(part: Part, running: set[subprocess.Popen[bytes]], printing: threading.Lock) -> Ended:
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                part.command,
                cwd=part.cwd,
                env=environment(dict(part.env)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            output.write(f"{part.command[0]} does not start: {error.strerror}\n".encode())
            status = 127
        else:
            running.add(process)
            status = process.wait()
            running.discard(process)
        ended = Ended(part, status, time.monotonic() - started)
        output.seek(0)
        with printing:
            say(f"{part.name}:")
            print(output.read().decode(errors="replace"), end="", flush=True)
    return ended


def summary(ends: Sequence[Ended]) -> int:
    """Print the result of each part; return how many failed."""
    failed = sum(bool(end.status) for end in ends)
    say(f"{len(ends) - failed} of {len(ends)} passed")
    print("\n".join(f"    {end}" for end in ends), flush=True)
    return failed
