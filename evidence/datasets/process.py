"""Loads a file's tables in a process of its own that is bounded in memory, CPU and time.

The file is hostile until proven otherwise: the process has none of this one's memory, environment or files open, and a
file that breaks its libraries ends only it.
"""

import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from evidence.datasets.model import Request, Table
from evidence.datasets.refusals import Refused

logger = logging.getLogger(__name__)

# Wall time: more than the CPU time that the process allows itself, for a busy machine.
SECONDS: Final = 300
_REPOSITORY: Final = Path(__file__).resolve().parents[2]


def load(request: Request) -> list[Table]:
    """The tables of the file, which are then in the output file, of mode 0600. Blocks for up to SECONDS. Raises
    Refused; then there is no output file."""
    output = Path(request.output)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix="loading-") as folder:
        within = Path(folder) / "tables.duckdb"
        tables = _load(request.model_copy(update={"output": str(within)}))
        within.chmod(0o600)
        within.replace(output)
    return tables


def _load(request: Request) -> list[Table]:
    # Files, because the process cannot write more to one than it may.
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
        try:
            ended = subprocess.run(  # noqa: S603 (the command is our own)
                [sys.executable, "-m", "evidence.datasets", request.model_dump_json()],
                cwd=_REPOSITORY,
                env={"PYTHONUTF8": "1"},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=errors,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refused("too_complex") from None
        printed.seek(0)
        errors.seek(0)
        answer, complaint = printed.read(), errors.read()[-2_000:]
    if ended.returncode < 0:
        # A signal has ended it: it is out of CPU time, or a library crashed.
        raise Refused("too_complex")
    if ended.returncode:
        logger.warning("Loading a file failed: %s", complaint.decode(errors="replace"))
        raise Refused("unreadable")
    found = json.loads(answer)
    if (code := found.get("refused")) is not None:
        raise Refused(code, **found["details"])
    return [Table.model_validate(table) for table in found["tables"]]
