"""Parts that run side by side: each is told whole, and one that fails is counted."""

import sys
from pathlib import Path

import pytest

from scripts import side_by_side
from scripts.side_by_side import Part, run_all, summary


def python(name: str, code: str, folder: Path) -> Part:
    return Part(name, [sys.executable, "-c", code], folder)


def meeting(mine: str, other: str) -> str:
    """A program that speaks before and after it has met the other one."""
    return f"""
import pathlib, sys, time
print("{mine} begins", flush=True)
pathlib.Path("{mine}").touch()
while not pathlib.Path("{other}").exists(): time.sleep(0.01)
print("{mine} ends", file=sys.stderr, flush=True)
"""


def test_two_run_at_once_and_each_is_told_whole(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "SILENCE_SECONDS", 0.001)
    parts = [python(name, meeting(name, other), tmp_path) for name, other in (("a", "b"), ("b", "a"))]
    assert [end.status for end in run_all(parts, at_once=2)] == [0, 0]
    told = capfd.readouterr().out
    assert "a begins\na ends\n" in told
    assert "b begins\nb ends\n" in told
    assert "To come: a; b" in told


def test_one_that_fails_is_counted_and_keeps_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = [
        python("bad", "raise SystemExit('No.')", tmp_path),
        Part("missing", ["/nowhere/to/be/found"]),
        python("good", "print('Yes.')", tmp_path),
    ]
    ends = run_all(parts, at_once=1)
    assert [end.status for end in ends] == [1, 127, 0]
    assert summary(ends) == 2
    told = capfd.readouterr().out
    for words in (
        "No.",
        "does not start",
        "Yes.",
        "1 of 3 passed",
        "FAILED  bad",
        "FAILED  missing",
        "ok      good",
    ):
        assert words in told
