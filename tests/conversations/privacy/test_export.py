"""A person's archive holds everything that is stored about them, no secret, and nothing about others."""

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from conversations.access import audit
from conversations.domain.enums import AuditAction
from conversations.models import AuditEntry
from conversations.privacy import export, inventory
from tests.support import belongings

Files = dict[str, list[dict[str, Any]]]


def read(file: Any) -> Files:
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        return {
            name: [json.loads(line) for line in archive.read(name).splitlines()]
            for name in archive.namelist()
            if name.endswith(".jsonl")
        }


@pytest.fixture
def files(someone: User) -> Files:
    file = io.BytesIO()
    export.write(someone, file, by=someone)
    return read(file)


def test_an_archive_has_a_file_for_each_table(files: Files) -> None:
    labels = {label.lower() for label, table in inventory.TABLES.items() if table.is_exported}
    # Nobody is being erased.
    assert {name.removesuffix(".jsonl") for name in files} == labels - {"conversations.erasure"} | {
        "elsewhere"
    }


def test_an_archive_has_the_whole_log_of_each_debate(files: Files, someone: User) -> None:
    conversation = someone.conversations.get()
    [row] = files["conversations.conversation.jsonl"]
    assert (row["id"], row["topic"]) == (str(conversation.pk), belongings.SAID)
    events = files["conversations.event.jsonl"]
    assert [event["seq"] for event in events] == [*range(1, conversation.head + 1)]
    assert events[-2]["data"]["transcript_sha256"] == "0" * 64


def test_an_archive_holds_no_secret(files: Files, someone: User) -> None:
    text = json.dumps(files, ensure_ascii=False)
    key = someone.api_keys.get()
    assert key.prefix in text
    hidden = (belongings.SECRET, key.digest, someone.password, "secret=hidden")
    assert [secret for secret in hidden if secret in text] == []
    assert "session_key" not in text


def test_an_archive_tells_nothing_about_others(files: Files, carol: User) -> None:
    text = json.dumps(files)
    assert not any(other in text for other in ("carol", "bob", "192.0.2.1", "friend@example.com"))
    actors = {row["actor_id"] for row in files["conversations.auditentry.jsonl"]}
    assert carol.pk not in actors


def test_an_archive_tells_that_a_debate_was_commanded_but_not_by_whom(someone: User, carol: User) -> None:
    conversation = someone.conversations.get()
    audit.record(AuditAction.DEBATE_COMMANDED, carol, f"conversation:{conversation.pk}")
    file = io.BytesIO()
    export.write(someone, file, by=None)
    rows = read(file)["conversations.auditentry.jsonl"]
    [row] = [row for row in rows if row["action"] == "debate_commanded"]
    assert (row["subject"], row["actor_id"]) == (f"conversation:{conversation.pk}", None)


def test_an_archive_has_what_was_done_in_debates_of_others(files: Files) -> None:
    [row] = files["elsewhere.jsonl"]
    assert (row["type"], row["data"]["actor"]) == ("control", belongings.NAME)


def test_an_export_is_recorded(files: Files, someone: User) -> None:
    row = AuditEntry.objects.get(action="exported")
    assert (row.actor_id, row.subject, row.detail) == (someone.pk, f"user:{someone.pk}", {"what": "person"})


def test_the_command_writes_a_private_file_and_replaces_none(someone: User, tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    call_command("export_person", someone.username, f"--output={path}")
    assert len(read(path)["auth.user.jsonl"]) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_person", someone.username, f"--output={path}")
