"""Runs a module of ours in a process of its own that is bounded in time, and bounds itself in memory and CPU time.

What it reads is hostile until proven otherwise: the process has none of this one's memory, environment or files open,
and a file that breaks its libraries ends only it.
"""

import contextlib
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
ENVIRONMENT: Final = {"PYTHONUTF8": "1"}


class Stopped(Exception):
    """The process took too long, or a signal has ended it: it is out of CPU time, or a library crashed."""


class Failed(Exception):
    """The process ended with an error. The text, for the log, is the end of what it wrote to its standard error."""


def answer(module: str, argument: str, seconds: float, file: IO[bytes] | None = None) -> Any:
    """The JSON that the module prints, with the file as its standard input. Blocks for up to `seconds`. Raises Stopped
    and Failed."""
    # Files, because the process cannot write more to one than it may.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            ended = subprocess.run(  # noqa: S603 (the command is our own)
                [sys.executable, "-m", module, argument],
                cwd=REPOSITORY,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL if file is None else file,
                stdout=output,
                stderr=errors,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Stopped from None
        output.seek(0)
        errors.seek(0)
        printed, complaint = output.read(), errors.read()[-2_000:]
    if ended.returncode < 0:
        raise Stopped
    if ended.returncode:
        raise Failed(complaint.decode(errors="replace"))
    return json.loads(printed)


def bound(limits: Mapping[int, int]) -> None:
    """Bound this process by limits of `resource`, and let it write no core; nothing can widen it again."""
    for limit, most in {**limits, resource.RLIMIT_CORE: 0}.items():
        # macOS refuses to bound memory.
        with contextlib.suppress(ValueError):
            resource.setrlimit(limit, (most, most))
