"""The limits of a query, and of the process that executes it."""

import resource
from typing import Final

from evidence import processes

MAX_SQL: Final = 20_000
"""Characters of a statement."""
MAX_ROWS: Final = 10_000
MAX_BYTES: Final = 1024 * 1024
"""Of a result, as JSON."""
MAX_CELL: Final = 10_000
"""Characters of one value of a result."""
SECONDS: Final = 3
"""Of time, and of CPU time, from the query to its result."""
MEMORY_BYTES: Final = 1_200_000_000
"""Address space of the process. DuckDB's own limit, which is lower, does not bound single long values."""
DATABASE_MEMORY: Final = "512MB"
# The interpreter's files, DuckDB's, and those of the tables; one more for each table's checkpoint.
OPEN_FILES: Final = 64


def bound() -> None:
    """Bound this process from now on; nothing can widen it again. Call it after imports, which take CPU time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + SECONDS
    processes.bound(
        {
            resource.RLIMIT_AS: MEMORY_BYTES,
            resource.RLIMIT_CPU: seconds,
            resource.RLIMIT_FSIZE: 0,
            resource.RLIMIT_NOFILE: OPEN_FILES,
            resource.RLIMIT_NPROC: 0,
        }
    )
