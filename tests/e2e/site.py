"""A whole Outcry, as `manage.py serve` runs it, for a browser to visit."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.ports import free_port
from tests.support.database import sqlite_copy

ROOT = Path(__file__).resolve().parents[2]
# The database's name in the data folder.
FILE = "outcry.sqlite3"
USERNAME = "ada"
PASSWORD = "correct-horse-battery"
# For a busy machine.
START_SECONDS = 120.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Site:
    """A running server, and its one account, which is an administrator's."""

    url: str
    data_dir: Path
    process: "subprocess.Popen[str]"
    username: str = USERNAME
    password: str = PASSWORD


@contextmanager
def running(
    data_dir: Path, env: Mapping[str, str], port: int | None = None, *, migrate: bool = True
) -> Iterator[Site]:
    """Migrate a new database in `data_dir` and serve it until the context is left."""
    environment = {
        **os.environ,
        "OUTCRY_DATA_DIR": str(data_dir),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "OUTCRY_LOG_LEVEL": "WARNING",
        "DJANGO_SUPERUSER_USERNAME": USERNAME,
        "DJANGO_SUPERUSER_EMAIL": "ada@example.com",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        **env,
    }
    manage = [sys.executable, "manage.py"]
    if migrate and environment["DATABASE_URL"] not in {"", f"sqlite:///{data_dir / FILE}"}:
        subprocess.run([*manage, "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, check=True)
    elif migrate and not (data_dir / FILE).exists():
        sqlite_copy(data_dir / FILE)
    command = [*manage, "serve", "--port", str(port or free_port())]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    address: Future[str] = Future()
    reading = threading.Thread(target=_keep, args=(process, data_dir / "server.log", address))
    reading.start()
    try:
        yield Site(address.result(START_SECONDS), data_dir, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
            reading.join()
            assert process.stdout is not None
            process.stdout.close()


def _keep(process: "subprocess.Popen[str]", log: Path, address: "Future[str]") -> None:
    """Copy the server's output to a file (a full pipe would block the server), and find its address in it."""
    assert process.stdout is not None
    with log.open("a") as file:
        for line in process.stdout:
            file.write(line)
            file.flush()
            if not address.done() and (found := re.search(r"Outcry is at (http://\S+)", line)):
                address.set_result(found[1])
    if not address.done():
        address.set_exception(RuntimeError(f"The server did not start:\n{log.read_text()}"))


@asynccontextmanager
async def running_beside(
    data_dir: Path, env: Mapping[str, str], port: int | None = None
) -> AsyncIterator[Site]:
    """`running` without blocking the event loop, in which a test's model provider answers the site."""
    with ExitStack() as stack:
        site = await asyncio.to_thread(stack.enter_context, running(data_dir, env, port))
        try:
            yield site
        finally:
            await asyncio.to_thread(stack.close)
