"""Everything that is stored about a person, as one ZIP archive: JSON Lines, a file for each table, without secrets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from django.contrib.auth.models import AbstractUser
from django.core.serializers.json import DjangoJSONEncoder

from conversations.access import audit
from conversations.datasets import store
from conversations.domain.enums import AuditAction
from conversations.event_log import pseudonyms
from conversations.models import Dataset
from conversations.privacy import inventory

NAME: Final = "outcry-data.zip"
_README: Final = """\
Everything that Outcry stores about {username}.

Each file has one JSON object a line, and is named after its table; tables without a row about you are left out.
Secrets (passwords, keys, codes) are left out, and so is what is about other people. Times are UTC.

conversations.conversation.jsonl   your debates; conversations.event.jsonl has everything that was said in them
elsewhere.jsonl                    what you did in debates of other people
conversations.ledgerentry.jsonl    what your debates cost
conversations.auditentry.jsonl     the audit trail's entries about you
conversations.dataset.jsonl        your datasets; datasets/ has their files, each named after its id
account.emailaddress.jsonl, conversations.apikey.jsonl, usersessions.usersession.jsonl ...   your account
"""


def write(user: AbstractUser, file: IO[bytes], *, by: AbstractUser | None) -> None:
    """Write the archive. `by` is None for the server's operator."""
    audit.record(AuditAction.EXPORTED, by, f"user:{user.pk}", what="person")
    person = inventory.person(user)
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _README.format(username=user.username))
        for label, table in inventory.TABLES.items():
            if table.is_exported:
                _write(archive, f"{label.lower()}.jsonl", inventory.exported(label, person))
        _write(archive, "elsewhere.jsonl", _elsewhere(person))
        for dataset in Dataset.objects.stored().filter(owner_id=user.pk).order_by("created_at"):
            with archive.open(
                f"datasets/{dataset.pk}{_suffix(dataset.name)}", "w", force_zip64=True
            ) as within:
                store.write(dataset.pk, within)


def _suffix(name: str) -> str:
    suffix = Path(name).suffix
    return suffix if suffix[1:].isascii() and suffix[1:].isalnum() else ""


def _elsewhere(person: inventory.Person) -> Iterator[dict[str, Any]]:
    found = pseudonyms.named(person.username, person.pk)
    columns = ("conversation_id", "seq", "type", "data", "at")
    return ({**row} for row in found.values(*columns).iterator(chunk_size=500))


def _write(archive: ZipFile, name: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows, None)
    if first is None:
        return
    # Row by row: the events of all debates may not fit in memory.
    with archive.open(name, "w", force_zip64=True) as file:
        file.write(_line(first))
        for row in rows:
            file.write(_line(row))


def _line(row: dict[str, Any]) -> bytes:
    return (json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n").encode()
