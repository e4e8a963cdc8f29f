"""A migrated, empty database, made once in a test run; each process and each site begins with a copy, because migrating
takes 3 s."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection

from tests.support.servers import ROOT, SHARED

TEMPLATE = "migrated"


def sqlite_copy(target: Path) -> None:
    """Put a migrated SQLite file there."""
    shared = Path(os.environ[SHARED])
    file = shared / f"{TEMPLATE}.sqlite3"
    with _alone():
        if not file.exists():
            made = shared / "unfinished.sqlite3"
            _migrate(f"sqlite:///{made}")
            made.rename(file)
    shutil.copy(file, target)


def postgres_copy(name: str) -> None:
    """Make a migrated database of this name in the run's PostgreSQL cluster."""
    marker, url = Path(os.environ[SHARED]) / TEMPLATE, os.environ["DATABASE_URL"]
    # PostgreSQL copies no database that somebody is connected to.
    with _alone(), psycopg.connect(url, autocommit=True) as session:
        if not marker.exists():
            session.execute(f"CREATE DATABASE {TEMPLATE}")
            _migrate(f"{url.rpartition('/')[0]}/{TEMPLATE}")
            marker.touch()
        session.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')


def use_copy() -> None:
    """Give this process a database of its own, in place of the one that its settings name."""
    if connection.vendor == "sqlite":
        name = str(Path(settings.DATA_DIR) / "test.sqlite3")
        sqlite_copy(Path(name))
    else:
        name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
        postgres_copy(name)
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


@contextmanager
def _alone() -> Iterator[None]:
    """Of the run's processes, one at a time."""
    with (Path(os.environ[SHARED]) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(url: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
