"""How long datasets and their files on this machine are kept, and that a person gets their file."""

import io
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from conversations.datasets import files
from conversations.infrastructure import database
from conversations.models import Dataset
from conversations.privacy import export, housekeeping
from tests.support import belongings, debates

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timezone.now() - timedelta(days=400)


def test_sweeping_removes_files_of_datasets_that_are_gone(
    alice: User, settings: Settings, tmp_path: Path
) -> None:
    settings.OUTCRY_DATASETS_FOLDER = tmp_path
    kept, gone = belongings.dataset(alice), belongings.dataset(alice)
    for dataset in (kept, gone):
        files.path_of(dataset.pk, 1).touch()
    # One that a change of types is making now.
    files.path_of(kept.pk, 2).touch()
    Dataset.objects.filter(pk=gone.pk).delete()
    assert files.sweep() == 1
    assert {path.name for path in tmp_path.iterdir()} == {f"{kept.pk}-1.duckdb", f"{kept.pk}-2.duckdb"}


async def test_housekeeping_deletes_interrupted_and_unused_datasets(alice: User, settings: Settings) -> None:
    settings.OUTCRY_RETENTION_DAYS = 365
    old, new, used = [await _dataset(alice, used_at=at) for at in (LONG_AGO, timezone.now(), LONG_AGO)]
    interrupted = await _dataset(alice, stored_at=None, created_at=LONG_AGO)
    conversation = await database.call(lambda: debates.create(alice))
    await database.call(lambda: used.links.create(conversation=conversation, position=0))
    assert await housekeeping.keep_house()
    left = await database.call(lambda: {*Dataset.objects.values_list("pk", flat=True)})
    assert left == {new.pk, used.pk}
    assert not {old.pk, interrupted.pk} & left


def test_archive_of_a_person_has_their_file(alice: User) -> None:
    dataset = belongings.dataset(alice)
    archive = io.BytesIO()
    export.write(alice, archive, by=alice)
    with ZipFile(archive) as found:
        assert found.read(f"datasets/{dataset.pk}.csv") == f"said\n{belongings.SAID}\n".encode()


async def _dataset(owner: User, **values: object) -> Dataset:
    def made() -> Dataset:
        dataset = belongings.dataset(owner)
        Dataset.objects.filter(pk=dataset.pk).update(**values)
        return dataset

    return await database.call(made)
