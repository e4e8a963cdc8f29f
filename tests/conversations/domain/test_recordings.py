"""The recordings that Python and TypeScript both fold."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conversations.domain.events import dump, load
from conversations.domain.transcript import fold
from tests.recordings.make import HERE, SCRIPTS, Script, read, text_of

RECORDINGS = sorted(HERE.glob("*.jsonl"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_python_folds_a_recording_to_its_state(path: Path) -> None:
    recording = read(path)
    rows = [(event["seq"], event["type"], event["data"]) for event in recording["events"]]
    assert fold(rows) == recording["state"]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_holds_events_of_the_vocabulary(path: Path) -> None:
    for event in read(path)["events"]:
        loaded = load(event["type"], event["data"])
        assert loaded is not None
        assert dump(loaded) == event["data"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_a_recording_is_what_its_script_makes(script: Callable[[], Script]) -> None:
    assert (HERE / f"{script.__name__}.jsonl").read_text(encoding="utf-8") == text_of(script())


def test_every_recording_has_a_script() -> None:
    assert {path.stem for path in RECORDINGS} == {script.__name__ for script in SCRIPTS}
