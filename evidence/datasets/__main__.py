"""The process that loads one file: its argument is a Request as JSON, its working folder one of its own.

It bounds itself before it reads the file: memory, CPU seconds, and bytes that it may write. It prints one JSON object:
`{"tables"}`, or `{"refused": code, "details"}`.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any, Final

import duckdb

from evidence import processes
from evidence.datasets.loading import load
from evidence.datasets.model import Request
from evidence.datasets.refusals import Refused

MEMORY_BYTES: Final = 3 * 1024 * 1024 * 1024
CPU_SECONDS: Final = 120
# The largest file's texts, and its tables.
FILE_BYTES: Final = 4 * 1024 * 1024 * 1024


def bound() -> None:
    """Bound this process; nothing can widen it again."""
    processes.bound(
        {
            resource.RLIMIT_AS: MEMORY_BYTES,
            resource.RLIMIT_CPU: CPU_SECONDS,
            resource.RLIMIT_FSIZE: FILE_BYTES,
        }
    )


def loaded(request: Request) -> dict[str, Any]:
    try:
        tables = load(request, Path(request.output).parent)
    except Refused as refused:
        return {"refused": refused.code, "details": refused.details}
    except (MemoryError, RecursionError, duckdb.OutOfMemoryException):
        return {"refused": "too_complex", "details": {}}
    return {"tables": [table.model_dump(mode="json") for table in tables]}


def main() -> None:
    bound()
    json.dump(loaded(Request.model_validate_json(sys.argv[1])), sys.stdout)


if __name__ == "__main__":
    main()
