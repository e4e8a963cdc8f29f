"""The set-up's small parts: what is read from `.env`, and which steps are skipped."""

from pathlib import Path

import pytest

from scripts import stamps
from scripts.places import ROOT, read_env_file


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("PORT=8001", "8001"),
        ("export PORT=8001", "8001"),
        (" PORT = 8001 ", "8001"),
        ("PORT='8001'", "8001"),
        ('PORT="80 01"', "80 01"),
        ("PORT=8001 # the other one", "8001"),
        ("#PORT=8001", None),
        ("PORT", None),
    ],
)
def test_settings_are_read_from_an_env_file(tmp_path: Path, line: str, value: str | None) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# A comment\n\n{line}\n", encoding="utf-8")
    assert read_env_file(file).get("PORT") == value


def test_without_an_env_file_nothing_is_set(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env") == {}


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(stamps, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(stamps, "ROOT", tmp_path)
    (tmp_path / "input").write_text("1")
    (tmp_path / "output").touch()
    return []


def step(tmp_path: Path, done: list[str]) -> None:
    stamps.once(
        "step", inputs=[tmp_path / "input"], outputs=[tmp_path / "output"], step=lambda: done.append("done")
    )


def test_a_finished_step_is_skipped(tmp_path: Path, done: list[str]) -> None:
    step(tmp_path, done)
    step(tmp_path, done)
    assert done == ["done"]


def test_a_step_is_done_again_when_its_input_changed(tmp_path: Path, done: list[str]) -> None:
    step(tmp_path, done)
    (tmp_path / "input").write_text("2")
    step(tmp_path, done)
    assert done == ["done", "done"]


def test_a_step_is_done_again_when_its_output_is_gone(tmp_path: Path, done: list[str]) -> None:
    step(tmp_path, done)
    (tmp_path / "output").unlink()
    step(tmp_path, done)
    assert done == ["done", "done"]


def test_a_step_that_failed_is_done_again(tmp_path: Path, done: list[str]) -> None:
    def fail() -> None:
        raise OSError("disk full")

    step(tmp_path, done)
    (tmp_path / "input").write_text("2")
    with pytest.raises(OSError, match="disk full"):
        stamps.once("step", inputs=[tmp_path / "input"], outputs=[tmp_path / "output"], step=fail)
    step(tmp_path, done)
    assert done == ["done", "done"]


def test_every_command_of_the_makefile_is_one_of_the_scripts() -> None:
    from scripts.commands import COMMANDS

    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    targets = {line.split(":")[0] for line in lines if ": ## " in line} - {"help"}
    assert targets == set(COMMANDS)
