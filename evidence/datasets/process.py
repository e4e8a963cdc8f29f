"""Loads a file's tables in a process of its own, see `processes`."""

import logging
import tempfile
from pathlib import Path
from typing import Final

from evidence import processes
from evidence.datasets.model import Request, Table
from evidence.datasets.refusals import Refused

logger = logging.getLogger(__name__)

# Wall time: five times the CPU time that the process allows itself, for a busy machine.
SECONDS: Final = 600


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
    try:
        found = processes.answer("evidence.datasets", request.model_dump_json(), SECONDS)
    except processes.Stopped:
        raise Refused("too_complex") from None
    except processes.Failed as failure:
        logger.warning("Loading a file failed: %s", failure)
        raise Refused("unreadable") from None
    if (code := found.get("refused")) is not None:
        raise Refused(code, **found["details"])
    return [Table.model_validate(table) for table in found["tables"]]
