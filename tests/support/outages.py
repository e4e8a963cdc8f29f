"""Databases that go away and come back under a test: a SQLite file that another connection locks or that may not grow,
and PostgreSQL behind a line that can be cut."""

import contextlib
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from asgiref.sync import SyncToAsync
from django.db import connection, connections
from django.db.backends.signals import connection_created

from conversations.event_log import appender

# A locked file is given up soon; in real life after 20 seconds.
BUSY_SECONDS = 0.05


class Outage(Protocol):
    """Makes the database unavailable from `begin` to `end`."""

    def begin(self) -> None: ...

    def end(self) -> None: ...


class Lock:
    """Another process writes to the SQLite file, and does not come to an end."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._holder: sqlite3.Connection | None = None

    def begin(self) -> None:
        self._holder = sqlite3.connect(self._path, timeout=20, isolation_level=None, check_same_thread=False)
        self._holder.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        holder, self._holder = self._holder, None
        if holder is not None:
            holder.execute("ROLLBACK")
            holder.close()


class Line:
    """A line to a server of this machine, by threads of its own, which can be cut and mended.

    With `lose_commit`, it breaks once: after a commit has reached the server, and before its answer is back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._away = False
        self._losing = False
        self.lost = threading.Event()
        self._open: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def begin(self) -> None:
        self._away = True
        for end in [*self._open]:
            _shut(end)

    def end(self) -> None:
        self._away = False

    def lose_commit(self) -> None:
        self._losing = True

    def close(self) -> None:
        self.begin()
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                if self._away:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._port))
                self._open |= {near, far}
                lost = threading.Event()
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(*ends, near, lost), daemon=True).start()

    def _pump(
        self, source: socket.socket, target: socket.socket, near: socket.socket, lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if source is near and self._losing and b"COMMIT" in piece:
                    self._losing = False
                    lost.set()
                elif source is not near and lost.is_set():
                    # This is the answer.
                    self.lost.set()
                    break
                target.sendall(piece)
        for end in (source, target):
            self._open.discard(end)
            _shut(end)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def _begin_anew() -> None:
    """No thread keeps the connection that it has; this one's own stays."""
    appender.close()
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@contextmanager
def database_outage(patched: pytest.MonkeyPatch) -> Iterator[Outage]:
    """Makes the tests' database unavailable, except to the test's own thread."""
    configured: dict[str, Any] = connections.settings["default"]
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        patched.setitem(configured["OPTIONS"], "timeout", BUSY_SECONDS)
        outage: Lock | Line = Lock(str(configured["NAME"]))
    else:
        outage = Line(int(configured["PORT"]))
        patched.setitem(configured, "PORT", str(outage.port))
    _begin_anew()
    try:
        yield outage
    finally:
        outage.end()
        _begin_anew()
        if isinstance(outage, Line):
            outage.close()


class Disk:
    """A disk on which the SQLite file may not grow while it is full."""

    def __init__(self) -> None:
        self._full = False

    def begin(self) -> None:
        self._full = True

    def end(self) -> None:
        self._full = False

    def limit(self, connection: Any, **_: object) -> None:
        if self._full:
            with connection.cursor() as cursor:
                # No less than it has.
                cursor.execute("PRAGMA max_page_count = 1")


@contextmanager
def small_disk() -> Iterator[Disk]:
    """Connections that are made from `begin` to `end` cannot have the file grow. SQLite only."""
    with connection.cursor() as cursor:
        # Deleted rows would leave free space.
        cursor.execute("VACUUM")
    disk = Disk()
    _begin_anew()
    connection_created.connect(disk.limit)
    try:
        yield disk
    finally:
        disk.end()
        connection_created.disconnect(disk.limit)
        _begin_anew()


class Lines:
    """The log lines about outages."""

    def __init__(self, captured: pytest.LogCaptureFixture) -> None:
        self._captured = captured

    def all(self) -> list[dict[str, Any]]:
        return [
            record.msg
            for record in self._captured.records
            if record.name == "conversations.infrastructure.availability" and isinstance(record.msg, dict)
        ]

    def events(self) -> list[str]:
        return [line["event"] for line in self.all()]
