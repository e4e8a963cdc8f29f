"""`make audit`, with stand-ins for pip-audit and npm."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import audit

SOUND: Any = {"dependencies": [{"name": "django", "version": "5.2.1", "vulns": []}]}
FOUND: Any = {
    "dependencies": [
        {"name": "django", "version": "5.2.1", "vulns": [{"id": "CVE-2026-1", "fix_versions": ["5.2.2"]}]}
    ]
}
NPM_SOUND: Any = {"vulnerabilities": {}, "metadata": {}}
NPM_FOUND: Any = {"vulnerabilities": {"marked": {"severity": "high", "range": "<19"}}}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-ins, which are called uv and npm."""
    monkeypatch.setattr(audit, "UV", tmp_path / "uv")
    monkeypatch.setattr(audit, "environment", lambda _: {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    return tmp_path


def stand_in(file: Path, output: Any, status: int = 0, error: str = "") -> None:
    """A program that prints the output as JSON, unless it is a text, and the error."""
    text = output if isinstance(output, str) else json.dumps(output)
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\necho '{error}' >&2\nexit {status}\n")
    file.chmod(0o755)


def test_packages_without_known_vulnerabilities_pass(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(programs / "uv", SOUND)
    stand_in(programs / "npm", NPM_SOUND)
    assert audit.run() == 0
    assert capsys.readouterr().out.count("nothing is known") == 2


def test_known_vulnerabilities_are_named_and_fail(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in(programs / "uv", FOUND, status=1)
    stand_in(programs / "npm", NPM_FOUND, status=1)
    assert audit.run() == 1
    shown = capsys.readouterr().out
    assert "django 5.2.1: CVE-2026-1, fixed in 5.2.2" in shown
    assert "marked <19: high" in shown


@pytest.mark.parametrize(
    ("npm", "reason"),
    [
        ({"message": "request to https://registry.example failed"}, "registry.example failed"),
        ("not JSON", "getaddrinfo EAI_AGAIN"),
    ],
)
def test_an_audit_without_a_network_is_skipped_with_its_reason(
    programs: Path, capsys: pytest.CaptureFixture[str], npm: Any, reason: str
) -> None:
    stand_in(programs / "uv", "", status=1, error="error: Failed to fetch pip-audit")
    stand_in(programs / "npm", npm, status=1, error="getaddrinfo EAI_AGAIN")
    assert audit.run() == 0
    shown = capsys.readouterr().out
    assert "Python: skipped, error: Failed to fetch pip-audit" in shown
    assert reason in shown


def test_a_program_that_is_missing_is_the_reason(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in(programs / "npm", NPM_SOUND)
    assert audit.run() == 0
    assert "uv does not start (No such file or directory)" in capsys.readouterr().out
