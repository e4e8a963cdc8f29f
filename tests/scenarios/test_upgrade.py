"""An installation of an earlier version goes on after an upgrade: its debates, and its people's second factors.

`tests/recordings/old_database.sql` is a SQLite dump of version 3c52d61: a finished debate; one that was cut while its
second agent spoke; and an account with a second factor, whose secret is that of every TOTP example.
"""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conversations.domain import transcript
from tests.support.servers import ROOT

DUMP = ROOT / "tests" / "recordings" / "old_database.sql"
# It encrypted the second factor.
SECRET_KEY = "a-key-of-tests-only"
FINISHED, CUT = "Is Tarnwick worth buying?", "Is Holdane worth holding?"


@pytest.fixture(scope="module")
def old_logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The logs as they stand in the dump."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.executescript(DUMP.read_text(encoding="utf-8"))
        rows = database.execute(
            "SELECT topic, seq, type, data FROM conversations_event"
            " JOIN conversations_conversation AS debate ON conversation_id = debate.id ORDER BY seq"
        )
        logs: dict[str, list[Any]] = {FINISHED: [], CUT: []}
        for topic, seq, type_, data in rows:
            logs[topic].append([seq, type_, json.loads(data)])
    return logs


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the database holds after the upgrade."""
    folder: Path = tmp_path_factory.mktemp("old")
    with contextlib.closing(sqlite3.connect(folder / "outcry.sqlite3")) as database:
        database.executescript(DUMP.read_text(encoding="utf-8"))
    environment = os.environ | {
        "OUTCRY_DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'outcry.sqlite3'}",
        "SECRET_KEY": SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    program = [sys.executable, "-m", "tests.support.upgraded"]
    ended = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr[-2_000:]
    return json.loads(ended.stdout.splitlines()[-1])


def test_a_finished_debate_stays_as_it_was(upgraded: Any, old_logs: dict[str, list[Any]]) -> None:
    assert upgraded["logs"][FINISHED] == old_logs[FINISHED]


def test_a_debate_cut_before_the_upgrade_completes_after_it(
    upgraded: Any, old_logs: dict[str, list[Any]]
) -> None:
    log, before = upgraded["logs"][CUT], old_logs[CUT]
    assert [seq for seq, _, _ in log] == list(range(1, len(log) + 1))
    assert log[: len(before)] == before
    state = transcript.fold((seq, type_, data) for seq, type_, data in log)
    assert (state["status"], state["mode"]) == ("completed", "live")
    assert state["complete"]["verdict"] == "buy"
    # The turn that was cut is discarded and spoken again; the finished one is not.
    assert [(message["agent"], message["state"]) for message in state["messages"]] == [
        ("Financial Analyst", "done"),
        ("Market Context", "discarded"),
        ("Market Context", "done"),
        ("Risk Challenger", "done"),
        ("Moderator", "done"),
    ]


def test_a_second_factor_set_up_before_the_upgrade_still_works(upgraded: Any) -> None:
    assert upgraded["second_factor"] == "JBSWY3DPEHPK3PXP"
