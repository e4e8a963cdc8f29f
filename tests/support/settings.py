"""Settings as another environment would have them: read in this process, or by a command of its own."""

import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.observability import logs
from tests.support.servers import ROOT, setting_names

MANAGE = (sys.executable, "manage.py")
CHECK = (*MANAGE, "check")
SECRET_KEY = "Gh7-only-for-a-test-and-long-enough-0123456789-abcdefghij"


def environment(folder: Path, changed: Mapping[str, str]) -> dict[str, str]:
    """These settings and no others, whatever the shell or `.env` say. Data goes to the folder."""
    own = {"OUTCRY_DATA_DIR": str(folder), "OUTCRY_PROVIDERS": "demo", "OUTCRY_LOG_LEVEL": "WARNING"}
    return {**dict.fromkeys(setting_names(), ""), **own, **changed}


def read(monkeypatch: pytest.MonkeyPatch, folder: Path, changed: Mapping[str, str]) -> SimpleNamespace:
    """`config.settings`, read again with these; those of this process stay. Its environment is changed until the test
    ends. Raises ImproperlyConfigured."""
    for name, value in environment(folder, changed).items():
        monkeypatch.setenv(name, value)
    # The loggers of this process stay as they are, too.
    monkeypatch.setattr(logs, "configure_logs", lambda **_: None)
    return SimpleNamespace(**runpy.run_path(str(ROOT / "config" / "settings.py")))


def run(folder: Path, command: Sequence[str], changed: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A command with these settings, to its end."""
    return subprocess.run(
        command,
        env={**os.environ, **environment(folder, changed)},
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
