"""Datasets of people: uploading tables, saying how their columns are read, asking them in SQL, and deleting them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.utils import timezone

from conversations.access import lists, permissions, rate_limits
from conversations.access.permissions import AnyUser
from conversations.datasets import files, queries, store
from conversations.domain.datasets import ColumnReadings
from conversations.domain.errors import InvalidInput, NotFound, QueryRefused, QueryStopped
from conversations.infrastructure import database
from conversations.models import Conversation, ConversationDataset, Dataset
from conversations.privacy import holds
from conversations.services.sources import storable
from evidence.datasets import process
from evidence.datasets.model import Reading, Request
from evidence.datasets.refusals import Refused
from evidence.sandbox.pool import Result
from evidence.sandbox.refusals import STOPPED, NoResult

MEGABYTE: Final = 1024 * 1024


def most_bytes() -> int:
    """Of one file, and of all files of a person."""
    return settings.OUTCRY_MAX_DATASET_MB * MEGABYTE


async def upload(
    owner: AbstractUser, path: Path, size: int, name: str, decimal: str | None, dates: str | None
) -> Dataset:
    """Store the tables of the file at this path. `decimal` and `dates` are what the person says of it, see `Reading`.

    Raises InvalidInput for the field `file`, LimitReached, Unauthenticated and LogUnavailable; then nothing is
    stored."""
    await rate_limits.upload(str(owner.pk))
    name = storable(name)
    if size > most_bytes():
        raise _refused("too_large", name, f"Upload at most {settings.OUTCRY_MAX_DATASET_MB} MB.")
    taken, most = await database.call(_room, owner, size, timeout=database.REQUEST_SECONDS)
    digest = await queries.load(_sha256, path)
    dataset = await database.call(store.begin, owner, name, size, digest)
    request = Request.model_validate(
        {
            "input": str(path),
            "name": name,
            "output": str(files.path_of(dataset.pk, dataset.revision)),
            "decimal": decimal,
            "dates": dates,
            "taken": taken,
            "most_tables": most,
        }
    )
    try:
        tables = await queries.load(process.load, request)
        await _store(dataset, path)
        await database.call(store.publish, dataset, tables, most_bytes(), settings.OUTCRY_MAX_DATASET_TABLES)
    except BaseException as failure:
        await database.call(_remove, dataset.pk)
        if isinstance(failure, Refused):
            raise _refused(failure.code, name, str(failure)) from None
        raise
    return dataset


def listed(owner: AbstractUser) -> list[Dataset]:
    """The owner's datasets, newest first."""
    return list(lists.datasets(owner))


async def change(owner: AbstractUser, pk: UUID, changes: ColumnReadings) -> Dataset:
    """Read columns in another way. Raises NotFound, TooManyRequests, LogUnavailable, and InvalidInput if a value cannot
    be read so; then everything stays as it was."""
    await rate_limits.query(str(owner.pk))
    dataset = await database.call(permissions.query, owner, pk)
    readings = _changed(dataset, changes)
    path = files.path_of(dataset.pk, dataset.revision + 1)
    try:
        tables = await queries.load(files.make, dataset, path, readings)
    except Refused as refused:
        raise InvalidInput.of("columns", refused.code, str(refused)) from None
    await database.call(store.replace_tables, dataset, tables, dataset.revision + 1)
    return dataset


async def query(owner: AbstractUser, pk: UUID, sql: str) -> Result:
    """The result of a query of the owner over one dataset. Raises NotFound, QueryRefused, QueryStopped,
    TooManyRequests and LogUnavailable."""
    await rate_limits.query(str(owner.pk))
    dataset = await database.call(permissions.query, owner, pk)
    await database.call(_note_use, [dataset])
    try:
        return await queries.run([dataset], sql)
    except NoResult as failure:
        error = QueryStopped if failure.code == STOPPED else QueryRefused
        raise error.of("sql", failure.code, str(failure)) from None


def choose(owner: AnyUser, chosen: Sequence[UUID]) -> list[Dataset]:
    """The datasets of a new debate, in its order. Raises NotFound if one does not exist or is somebody else's."""
    found = {row.pk: row for row in lists.datasets(owner).filter(pk__in=chosen)}
    if len(found) < len(chosen):
        raise NotFound(permissions.NO_SUCH_DATASET)
    return [found[pk] for pk in chosen]


def lock(chosen: Sequence[Dataset]) -> None:
    """Keep the datasets from being deleted until the end of the transaction, and note their use. Raises NotFound if one
    was deleted."""
    rows = Dataset.objects.select_for_update().filter(pk__in=[dataset.pk for dataset in chosen])
    if len(rows.values_list("pk")) < len(chosen):
        raise NotFound(permissions.NO_SUCH_DATASET)
    if chosen:
        _note_use(chosen)


def of(conversation: Conversation) -> list[Dataset]:
    """The datasets of a conversation, in order; those that were deleted are left out."""
    return list(conversation.datasets)


def debates_of(user: AbstractUser, chosen: Sequence[Dataset]) -> dict[UUID, list[Conversation]]:
    """The user's debates that have each of these datasets, newest first, by the dataset's id; deleted ones, and those
    of organisations that they have left, are left out."""
    found: dict[UUID, list[Conversation]] = {dataset.pk: [] for dataset in chosen}
    links = ConversationDataset.objects.filter(dataset__in=chosen, conversation__in=lists.own(user))
    for link in links.select_related("conversation").order_by("-conversation__created_at"):
        found[link.dataset_id].append(link.conversation)
    return found


def delete(owner: AbstractUser, pk: UUID) -> None:
    """Delete a dataset for good. Raises NotFound, and NotErasable if its owner is under legal hold."""
    dataset = permissions.query(owner, pk)
    holds.require_none_on_person(owner.pk)
    _remove(dataset.pk)


async def _store(dataset: Dataset, path: Path) -> None:
    position = 0
    with path.open("rb") as file:
        batches = store.chunks(file)
        while batch := await queries.load(next, batches, None):
            await database.call(store.add, dataset.pk, position, batch)
            position += len(batch)


# In a thread


def _room(owner: AbstractUser, size: int) -> tuple[list[str], int]:
    """Names of tables that the owner has, and how many more they may have. Raises LimitReached."""
    found, most = listed(owner), settings.OUTCRY_MAX_DATASET_TABLES
    store.require_room(found, size, 1, most_bytes(), most)
    names = store.table_names(found)
    return sorted(names), most - len(names)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(dataset: UUID) -> None:
    with database.writing():
        Dataset.objects.filter(pk=dataset).delete()
    files.remove(dataset)


def _note_use(datasets: Sequence[Dataset]) -> None:
    Dataset.objects.filter(pk__in=[dataset.pk for dataset in datasets]).update(used_at=timezone.now())


def _changed(dataset: Dataset, changes: ColumnReadings) -> dict[str, dict[str, Reading]]:
    readings = store.readings(dataset)
    for change in changes.columns:
        if change.column not in readings.get(change.table, {}):
            message = f"There is no column “{change.column}” in a table “{change.table}”."
            raise InvalidInput.of("columns", "unknown_column", message)
        readings[change.table][change.column] = change.reading
    return readings


def _refused(code: str, name: str, sentence: str) -> InvalidInput:
    return InvalidInput.of("file", code, f"{name}: {sentence}")
