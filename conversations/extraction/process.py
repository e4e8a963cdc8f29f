"""Takes the text out of an uploaded file, in a process of its own, see `evidence.processes`."""

from typing import IO, Final

import structlog

from conversations.domain.sources import SourceText, SourceType
from conversations.extraction.refusals import Refused
from evidence import processes

logger = structlog.get_logger(__name__)

# Wall time: three times the CPU time that the process allows itself, for a busy machine.
SECONDS: Final = 60


def extract(file: IO[bytes], name: str) -> tuple[SourceType, SourceText]:
    """The type and the text of the file, which has a file descriptor. Blocks for up to SECONDS. Raises Refused."""
    file.seek(0)
    try:
        found = processes.answer("conversations.extraction", name, SECONDS, file)
    except processes.Stopped:
        raise Refused("too_complex") from None
    except processes.Failed as failure:
        logger.warning("extraction_failed", error=str(failure))
        raise Refused("unreadable") from None
    if (code := found.get("refused")) is not None:
        raise Refused(code)
    return SourceType(found["type"]), SourceText(name, found["text"], tuple(found["pages"]))
