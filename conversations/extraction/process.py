"""Takes the text out of an uploaded file, in a process of its own that is bounded in memory, CPU and time.

The file is hostile until proven otherwise: the process has none of this one's memory, environment or files open, and a
file that breaks its libraries ends only it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Final

import structlog

from conversations.domain.sources import SourceText, SourceType
from conversations.extraction.refusals import Refused

logger = structlog.get_logger(__name__)

# Wall time: three times the CPU time that the process allows itself, for a busy machine.
SECONDS: Final = 60
_REPOSITORY: Final = Path(__file__).resolve().parents[2]


def extract(file: IO[bytes], name: str) -> tuple[SourceType, SourceText]:
    """The type and the text of the file, which has a file descriptor. Blocks for up to SECONDS. Raises Refused."""
    file.seek(0)
    # Files, because the process cannot write more to one than it may.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            ended = subprocess.run(  # noqa: S603 (the command is our own)
                [sys.executable, "-m", "conversations.extraction", name],
                cwd=_REPOSITORY,
                env={"PYTHONUTF8": "1"},
                stdin=file,
                stdout=output,
                stderr=errors,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refused("too_complex") from None
        output.seek(0)
        errors.seek(0)
        printed, complaint = output.read(), errors.read()[-2_000:]
    if ended.returncode < 0:
        # A signal has ended it: it is out of CPU time, or a library crashed.
        raise Refused("too_complex")
    if ended.returncode:
        logger.warning("extraction_failed", error=complaint.decode(errors="replace"))
        raise Refused("unreadable")
    found = json.loads(printed)
    if (code := found.get("refused")) is not None:
        raise Refused(code)
    return SourceType(found["type"]), SourceText(name, found["text"], tuple(found["pages"]))
