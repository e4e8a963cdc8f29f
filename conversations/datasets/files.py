"""The DuckDB files of datasets on this machine: made when they are needed, and removed when their dataset is gone."""

import contextlib
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings

from conversations.datasets import store
from conversations.models import Dataset
from evidence.datasets import process
from evidence.datasets.model import Reading, Request, Table

# Files of uploads that are under way are younger.
_SETTLED_SECONDS: Final = 3_600
_locks: defaultdict[UUID, threading.Lock] = defaultdict(threading.Lock)


def path_of(dataset: UUID, revision: int) -> Path:
    folder: Path = settings.OUTCRY_DATASETS_FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{dataset}-{revision}.duckdb"


def present(dataset: Dataset) -> Path:
    """The file of its tables, made of what the database has if it is not on this machine. Blocks for as long as the
    upload took. Raises Refused."""
    path = path_of(dataset.pk, dataset.revision)
    with _locks[dataset.pk]:
        if not path.exists():
            make(dataset, path, store.readings(dataset))
    return path


def make(dataset: Dataset, path: Path, readings: dict[str, dict[str, Reading]]) -> list[Table]:
    """Make the file at this path of the person's file, read so. Raises Refused; then there is no file."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="loading-") as file:
        store.write(dataset.pk, file)
        file.flush()
        request = Request(
            input=file.name,
            name=dataset.name,
            output=str(path),
            readings=readings,
            most_tables=len(readings),
        )
        return process.load(request)


def remove(dataset: UUID) -> None:
    """Remove its files from this machine."""
    folder: Path = settings.OUTCRY_DATASETS_FOLDER
    for path in folder.glob(f"{dataset}-*"):
        path.unlink(missing_ok=True)
    _locks.pop(dataset, None)


def sweep() -> int:
    """Remove what datasets that are gone have left on this machine; returns the number of files."""
    folder: Path = settings.OUTCRY_DATASETS_FOLDER
    if not folder.is_dir():
        return 0
    found = [(path, _dataset(path)) for path in folder.glob("*.duckdb*")]
    stored = Dataset.objects.filter(pk__in={pk for _, pk in found if pk is not None})
    current: dict[UUID | None, str] = {
        pk: f"{pk}-{revision}.duckdb" for pk, revision in stored.values_list("pk", "revision")
    }
    removed = 0
    for path, pk in found:
        if path.name != current.get(pk) and (pk not in current or _is_settled(path)):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _is_settled(path: Path) -> bool:
    """Whether no change of types is still making this file."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime < time.time() - _SETTLED_SECONDS
    return False


def _dataset(path: Path) -> UUID | None:
    with contextlib.suppress(ValueError):
        return UUID(path.name[:36])
    return None
