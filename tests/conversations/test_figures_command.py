"""`manage.py figures`, for people who try the checker on texts of their own."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from evidence.checker.check import VERSION
from tests.evidence.snapshots import FOLDER

SNAPSHOT = FOLDER / "aapl-2012.json"


def figures(snapshot: Path, text: Path, *options: str) -> str:
    written = StringIO()
    call_command("figures", str(snapshot), str(text), *options, stdout=written)
    return written.getvalue()


def test_every_figure_is_printed_with_its_label(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("Ünlike that, revenue was $156.5bn. Apple's RSI of 71 is high.", encoding="utf-8")
    printed = json.loads(figures(SNAPSHOT, text, "--json"))
    assert printed["checker"] == VERSION
    first, second = printed["items"]
    assert (first["start"], first["end"], first["value"], first["unit"]) == (
        25,
        33,
        "156500000000",
        "currency",
    )
    assert (first["label"], first["evidence"], first["expected"]) == ("matched", ["E69"], None)
    assert (second["label"], second["expected"]) == ("contradicted", "47.0856")
    assert "the record has 47.0856" in figures(SNAPSHOT, text)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", "is no JSON"),
        ('[{"id": "E1"}]', "items.0.subject: Field required"),
        (
            '[{"id": "E1", "subject": "A", "metric": "m", "period": "", "value": "x", "unit": "count"}]',
            "items.0.value",
        ),
    ],
)
def test_a_snapshot_that_is_none_is_refused(tmp_path: Path, content: str, rule: str) -> None:
    snapshot, text = tmp_path / "snapshot.json", tmp_path / "text.txt"
    snapshot.write_text(content, encoding="utf-8")
    text.write_text("Nothing.", encoding="utf-8")
    with pytest.raises(CommandError, match=rule):
        figures(snapshot, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        figures(SNAPSHOT, tmp_path / "none.txt")
