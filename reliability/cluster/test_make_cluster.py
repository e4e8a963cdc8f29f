"""`make cluster`, as run in a terminal."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from reliability.cluster.stage import NEEDS
from scripts.cluster_command import postgres_folder
from scripts.ports import free_port
from tests.e2e import programs
from tests.e2e.site import PASSWORD, ROOT, USERNAME, Site
from tests.support import servers

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# With everything to set up, on a busy machine.
START_SECONDS, STOP_SECONDS = 180.0, 60.0


class Terminal:
    """Collects the command's output."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                with self._changed:
                    self.lines.append(line)
                    self._changed.notify_all()

    def until(self, pattern: str, seconds: float) -> str:
        """The first group of the pattern, as soon as the output matches it."""
        with self._changed:
            there = self._changed.wait_for(lambda: re.search(pattern, "".join(self.lines)), seconds)
        assert there, "".join(self.lines)
        found = re.search(pattern, "".join(self.lines))
        assert found is not None
        return found[1]

    def ended(self) -> int:
        code = self.process.wait(STOP_SECONDS)
        self._reading.join(STOP_SECONDS)
        return code


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where static files are collected, once: compressing them takes ten seconds."""
    return tmp_path_factory.mktemp("static")


@contextmanager
def make_cluster(folder: Path, static: Path, port: int) -> Iterator[Terminal]:
    for name, command in NEEDS:
        servers.require(name, command)
    env = {
        **os.environ,
        "OUTCRY_DATA_DIR": str(folder),
        "OUTCRY_STATIC_DIR": str(static),
        "PORT": str(port),
        "OUTCRY_PROVIDERS": "demo",
        "DJANGO_SUPERUSER_USERNAME": USERNAME,
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts", "cluster"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    terminal = Terminal(process)
    try:
        yield terminal
    finally:
        process.kill()
        terminal.ended()
        if (elsewhere := postgres_folder(folder.resolve() / "cluster")) is not None:
            shutil.rmtree(elsewhere.parent, ignore_errors=True)


def ports(terminal: Terminal) -> set[int]:
    return {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", "".join(terminal.lines))}


def worker(terminal: Terminal) -> psutil.Process | None:
    """A worker that the command has started."""
    members = psutil.Process(terminal.process.pid).children()
    return next((member for member in members if "work" in member.cmdline()), None)


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def comes_true(true: Callable[[], bool], seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_it_serves_and_starts_again_what_dies_until_it_is_stopped(tmp_path: Path, static: Path) -> None:
    port = free_port()
    with make_cluster(tmp_path, static, port) as terminal:
        url = await asyncio.to_thread(terminal.until, r"==> Outcry is at (http://\S+)", START_SECONDS)
        assert url == f"http://127.0.0.1:{port}"
        await asyncio.to_thread(terminal.until, r"(Ctrl-C stops all of it)", START_SECONDS)
        cookies = await asyncio.to_thread(programs.signed_in, Site(url, tmp_path, terminal.process))
        # Through nginx to a web process, by the queue to a worker, and back.
        request = urllib.request.Request(f"{url}/", headers={"Cookie": cookies})
        with await asyncio.to_thread(urllib.request.urlopen, request) as page:
            assert page.status == 200
        taken = ports(terminal)
        assert len(taken) == 7
        dying = worker(terminal)
        assert dying is not None
        dying.kill()
        await asyncio.to_thread(terminal.until, r"(worker-\d ended with -9, and starts again)", START_SECONDS)
        terminal.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(terminal.ended) == 0
        assert not any(map(listening, taken))


def test_a_killed_command_leaves_nothing(tmp_path: Path, static: Path) -> None:
    with make_cluster(tmp_path, static, free_port()) as terminal:
        comes_true(lambda: worker(terminal) is not None, START_SECONDS)
        members = psutil.Process(terminal.process.pid).children(recursive=True)
        assert {"postgres", "redis-server"} <= {member.name() for member in members}
        terminal.process.kill()
        terminal.ended()
        comes_true(lambda: not any(map(lives, members)), STOP_SECONDS)
