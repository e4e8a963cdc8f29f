"""The database under a chaos test, looked at from outside: its rows as they are stored, and its server, to be ended."""

import sqlite3
import subprocess
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from conversations.domain.enums import TERMINAL
from scripts.ports import free_port
from scripts.programs import unprivileged_user
from tests.support import servers

_EVENTS = (
    "SELECT conversation_id, seq, type, {data}, {at} FROM conversations_event ORDER BY conversation_id, seq"
)
_CONVERSATIONS = "SELECT id, status, mode, reason, head, {lease} FROM conversations_conversation"


@dataclass(frozen=True)
class Stored:
    """A row of the log, its data and time in the very characters that the database holds."""

    seq: int
    type: str
    data: str
    at: str

    @property
    def moment(self) -> float:
        """When it was appended, in seconds since 1970."""
        return _moment(self.at)


@dataclass(frozen=True)
class Standing:
    """A conversation's own row. `lease_until` in seconds since 1970."""

    status: str
    mode: str
    reason: str | None
    head: int
    lease_until: float | None

    @property
    def has_ended(self) -> bool:
        return self.status in TERMINAL


# By the conversation's id, in hexadecimal digits.
Log = dict[str, list[Stored]]
Standings = dict[str, Standing]


class Store(ABC):
    """A database with Outcry's tables."""

    name: str
    url: str

    @abstractmethod
    def _select(self, sql: str) -> Sequence[tuple[Any, ...]]: ...

    def log(self) -> Log:
        """Every conversation's log."""
        found: Log = defaultdict(list)
        for conversation, *row in self._select(_EVENTS.format(**self._columns)):
            found[conversation].append(Stored(*row))
        return dict(found)

    def standings(self) -> Standings:
        """Every conversation's own row."""
        rows = self._select(_CONVERSATIONS.format(**self._columns))
        return {
            pk: Standing(status, mode, reason, head, _moment(lease) if lease else None)
            for pk, status, mode, reason, head, lease in rows
        }

    _columns = {"data": "data", "at": "at", "lease": "lease_until"}


class SQLite(Store):
    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "outcry.sqlite3"
        self.url = f"sqlite:///{self.path}"

    def _select(self, sql: str) -> Sequence[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=60)) as connection:
            return connection.execute(sql).fetchall()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Blocks all other writers while it lasts."""
        with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                connection.execute("ROLLBACK")


class PostgreSQL(Store):
    """A cluster of our own, whose server can be ended and started again."""

    name = "PostgreSQL"
    _columns = {"data": "data::text", "at": "at::text", "lease": "lease_until::text"}

    def __init__(self, folder: Path, user: str | None) -> None:
        self._pg_ctl = servers.require("PostgreSQL", "pg_ctl")
        self._folder, self._user = folder, user
        self._port = free_port()
        self.url = f"postgres://outcry@127.0.0.1:{self._port}/postgres"
        initdb = servers.require("PostgreSQL", "initdb")
        self._run(initdb, "-D", self._data, "-U", "outcry", "-A", "trust", "-E", "UTF8", "--no-sync")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        # Each commit reaches the system before it is told: nothing that was stored is lost with the server. That the
        # disk has it too is not what ends here.
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = self._folder / "log"
        self._run(self._pg_ctl, "start", "-w", "-D", self._data, "-l", log, "-o", options)

    def stop(self) -> None:
        """At once, as in a crash."""
        self._run(self._pg_ctl, "stop", "-w", "-m", "immediate", "-D", self._data)

    def _run(self, *command: str | Path) -> None:
        subprocess.run(command, user=self._user, cwd=self._folder, check=True, stdout=subprocess.DEVNULL)

    def _select(self, sql: str) -> Sequence[tuple[Any, ...]]:
        # Django's connections are in UTC, too: the same row is the same text.
        with psycopg.connect(self.url, options="-c timezone=UTC") as connection:
            rows = connection.execute(sql.encode()).fetchall()
        return [(row[0].hex, *row[1:]) for row in rows]

    @classmethod
    @contextmanager
    def cluster(cls) -> Iterator["PostgreSQL"]:
        """A cluster that runs, and goes with the context."""
        user = unprivileged_user()
        with servers.folder("postgres", user) as folder:
            cluster = cls(folder, user)
            with servers.at_last(f"{cluster._pg_ctl} stop -w -m immediate -D {cluster._data}", user):
                cluster.start()
                yield cluster


class Redis:
    """A Redis server of our own, which keeps nothing, and can be ended and started again."""

    def __init__(self, folder: Path) -> None:
        self._command = servers.require("Redis", "redis-server", "valkey-server")
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[str] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [self._command, *options], cwd=self._folder, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        if not any("Ready to accept connections" in line for line in self._process.stdout):
            raise RuntimeError(f"{self._command} ended with {self._process.wait()}.")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None


@contextmanager
def redis() -> Iterator[Redis]:
    with servers.folder("redis") as folder:
        server = Redis(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _moment(text: str) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
