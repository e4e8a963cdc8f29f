"""A whole Outcry, as `manage.py serve` runs it, for a browser to visit."""

import asyncio
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
USERNAME = "ada"
PASSWORD = "correct-horse-battery"
START_SECONDS = 120.0


@dataclass(frozen=True)
class Site:
    """A running server, and its one account, which is an administrator's."""

    url: str
    data_dir: Path
    process: "subprocess.Popen[str]"
    username: str = USERNAME
    password: str = PASSWORD


@contextmanager
def running(data_dir: Path, env: Mapping[str, str], port: int | None = None) -> Iterator[Site]:
    """Migrate a new database in `data_dir` and serve it until the context is left."""
    environment = {
        **os.environ,
        "OUTCRY_DATA_DIR": str(data_dir),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DJANGO_SUPERUSER_USERNAME": USERNAME,
        "DJANGO_SUPERUSER_EMAIL": "ada@example.com",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        **env,
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, check=True)
    with (data_dir / "server.log").open("a") as log:
        process = subprocess.Popen(
            [*manage, "serve", "--port", str(port or free_port())],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield Site(_address(process, data_dir), data_dir, process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()


@asynccontextmanager
async def running_beside(data_dir: Path, env: Mapping[str, str], port: int | None = None) -> AsyncIterator[Site]:
    """The same without blocking the event loop, in which a test's model provider may answer the site."""
    with ExitStack() as stack:
        site = await asyncio.to_thread(stack.enter_context, running(data_dir, env, port))
        try:
            yield site
        finally:
            await asyncio.to_thread(stack.close)


def free_port() -> int:
    """A port of loopback that nothing listens on now, and that no outgoing connection is given later."""
    while True:
        # Not from `random`: tests that run side by side may have the same seed.
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def _address(process: "subprocess.Popen[str]", data_dir: Path) -> str:
    assert process.stdout is not None
    too_late = threading.Timer(START_SECONDS, process.kill)
    too_late.start()
    try:
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                return found[0]
    finally:
        too_late.cancel()
    raise RuntimeError(f"The server did not start:\n{(data_dir / 'server.log').read_text()}")
