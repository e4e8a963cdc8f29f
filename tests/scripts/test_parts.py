"""The parts of a long command: one that fails is counted, and keeps no other from running."""

import sys
from pathlib import Path

import pytest

from scripts.parts import Part, run_all


def python(name: str, code: str, folder: Path) -> Part:
    return Part(name, [sys.executable, "-c", code], folder, {"WORD": "Yes."})


def test_failed_part_is_counted_and_keeps_no_other(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    parts = [
        python("bad", "raise SystemExit('No.')", tmp_path),
        python("good", "import os; print(os.environ['WORD'])", tmp_path),
    ]
    assert run_all(parts) == 1
    shown = capfd.readouterr()
    assert "No." in shown.err
    for words in ("Yes.", "1 of 2 passed", "FAILED  bad", "ok      good"):
        assert words in shown.out


def test_parts_that_all_succeed_give_status_zero(tmp_path: Path) -> None:
    assert run_all([python("good", "pass", tmp_path)]) == 0
