"""Datasets in the database: the file of each in compressed chunks, so that every process of the installation finds it
and a backup of the database has it."""

import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.utils import timezone

from conversations.domain.errors import InvalidInput, LimitReached, Unauthenticated
from conversations.infrastructure import database
from conversations.models import Dataset, DatasetChunk
from evidence.datasets.model import Reading, Table

# Bytes of a chunk before it is compressed, and chunks that are written in one transaction, for which a live debate on
# SQLite waits.
CHUNK_BYTES: Final = 1024 * 1024
BATCH: Final = 4


def chunks(file: IO[bytes]) -> Iterator[list[bytes]]:
    """The file in batches of compressed chunks."""
    pieces = iter(lambda: file.read(CHUNK_BYTES), b"")
    while batch := [zlib.compress(piece, 1) for piece in islice(pieces, BATCH)]:
        yield batch


def begin(owner: AbstractUser, name: str, size: int, sha256: str) -> Dataset:
    """A dataset that nobody sees before `publish`."""
    return Dataset.objects.create(owner_id=owner.pk, name=name, size=size, sha256=sha256)


def add(dataset: UUID, position: int, batch: Sequence[bytes]) -> None:
    with database.writing(), transaction.atomic():
        DatasetChunk.objects.bulk_create(
            DatasetChunk(dataset_id=dataset, position=position + place, data=data)
            for place, data in enumerate(batch)
        )


def publish(dataset: Dataset, tables: Sequence[Table], most_bytes: int, most_tables: int) -> None:
    """Show the dataset to its owner. Raises LimitReached and InvalidInput if another upload has ended in the
    meantime, and Unauthenticated if the owner is disabled, or is being erased."""
    with transaction.atomic():
        locked = get_user_model().objects.select_for_update().filter(pk=dataset.owner_id, is_active=True)
        if not list(locked.values_list("pk")):
            raise Unauthenticated("This account is disabled.")
        others = list(Dataset.objects.stored().filter(owner_id=dataset.owner_id))
        require_room(others, dataset.size, len(tables), most_bytes, most_tables)
        if {table.name for table in tables} & table_names(others):
            message = "Another upload has just taken the name of this table. Upload the file again."
            raise InvalidInput.of("file", "name_taken", message)
        dataset.tables = [table.model_dump(mode="json") for table in tables]
        dataset.stored_at = timezone.now()
        dataset.save(update_fields=["tables", "stored_at"])


def require_room(
    datasets: Sequence[Dataset], more_bytes: int, more_tables: int, most_bytes: int, most_tables: int
) -> None:
    """Raises LimitReached if so much more is too much for a person who has these datasets."""
    found_bytes = sum(dataset.size for dataset in datasets) + more_bytes
    found_tables = sum(len(dataset.tables) for dataset in datasets) + more_tables
    if found_bytes > most_bytes:
        raise LimitReached(
            f"Your data has at most {most_bytes >> 20} MB in all. Delete some that you do not need any more."
        )
    if found_tables > most_tables:
        raise LimitReached(
            f"Your data has at most {most_tables} tables in all. Delete some that you do not need any more."
        )


def replace_tables(dataset: Dataset, tables: Sequence[Table], revision: int) -> None:
    """Store the tables as they are read from now on. Raises InvalidInput if they have been changed in the meantime."""
    current = Dataset.objects.filter(pk=dataset.pk, revision=dataset.revision)
    dumped = [table.model_dump(mode="json") for table in tables]
    if not current.update(tables=dumped, revision=revision):
        message = "This data has been changed in the meantime. Look at it again."
        raise InvalidInput.of("columns", "changed", message)
    dataset.tables, dataset.revision = dumped, revision


def write(dataset: UUID, file: IO[bytes]) -> None:
    """Write the person's file."""
    found = DatasetChunk.objects.filter(dataset=dataset).order_by("position").values_list("data", flat=True)
    for data in found.iterator(chunk_size=BATCH):
        file.write(zlib.decompress(data))


def tables(dataset: Dataset) -> list[Table]:
    return [Table.model_validate(table) for table in dataset.tables]


def readings(dataset: Dataset) -> dict[str, dict[str, Reading]]:
    """How its columns are read, by table and column."""
    return {
        table.name: {column.name: column.reading for column in table.columns} for table in tables(dataset)
    }


def table_names(datasets: Sequence[Dataset]) -> set[str]:
    return {table["name"] for dataset in datasets for table in dataset.tables}
