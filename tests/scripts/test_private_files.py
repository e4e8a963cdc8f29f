"""Nobody else on the machine reads the data, whoever makes its folder first."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from config.env.private_files import keep_private
from scripts import commands
from tests.support.settings import MANAGE, run


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    """That of most machines, with which what is made can be read by everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if not path.is_symlink() and mode(path) & 0o077]


@pytest.mark.parametrize("exists", [False, True])
def test_setting_up_leaves_a_data_folder_that_others_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    folder = tmp_path / "data"
    if exists:
        folder.mkdir(mode=0o755)
        (folder / "outcry.sqlite3").write_text("sessions")
        assert mode(folder / "outcry.sqlite3") == 0o644
    monkeypatch.setattr(commands, "data_dir", lambda: folder)
    monkeypatch.setattr(commands, "one_at_a_time", nullcontext)
    for step in ("install", "frontend.ensure_built", "model.ensure_model"):
        monkeypatch.setattr(f"scripts.commands.{step}", lambda *_, **__: None)
    commands.set_up(database=False)
    assert mode(folder) == 0o700
    assert open_to_others(folder) == []


def test_migrating_makes_a_database_that_others_cannot_read(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    # Outside of the data folder, nothing but the file's own mode keeps others out.
    database = tmp_path / "elsewhere.sqlite3"
    command = (*MANAGE, "migrate", "--verbosity", "0", "--skip-checks", "sessions")
    assert run(folder, command, {"DATABASE_URL": f"sqlite:///{database}"}).returncode == 0
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM django_session").fetchone() == (0,)
    assert mode(database) == 0o600
    assert open_to_others(folder) == []


def test_collected_files_stay_readable_for_the_server_that_sends_them(tmp_path: Path) -> None:
    static = tmp_path / "static"
    command = (*MANAGE, "collectstatic", "--no-input", "--verbosity", "0")
    assert run(tmp_path / "data", command, {"OUTCRY_STATIC_DIR": str(static)}).returncode == 0
    assert static.is_dir()
    assert all(mode(path) & 0o004 for path in static.rglob("*"))


def test_what_belongs_to_somebody_else_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    before = mode(Path("/etc/hostname"))
    (tmp_path / "theirs").touch(mode=0o644)
    if os.geteuid() == 0:
        shutil.chown(tmp_path / "theirs", "nobody")
    keep_private(tmp_path)
    assert mode(Path("/etc/hostname")) == before
    assert mode(tmp_path / "theirs") == (0o644 if os.geteuid() == 0 else 0o600)
