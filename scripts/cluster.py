"""Outcry on several processes of this machine: PostgreSQL, Redis, nginx, web processes and workers.

Their data is in one folder. The password is generated once and kept there. Every port but nginx's is chosen freely.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from scripts import programs, proxy
from scripts.console import StepFailedError, environment, run
from scripts.member import Member
from scripts.places import PYTHON, ROOT
from scripts.ports import free_port


@dataclass
class Cluster:
    """`webs` web processes behind nginx on `port`, and `workers`. `env` goes to each of them; `on_line` gets each line
    of a member's output, after the member's name."""

    folder: Path
    port: int
    on_line: Callable[[str, str], None]
    env: Mapping[str, str] = field(default_factory=dict)
    webs: int = 2
    workers: int = 2
    # PostgreSQL's folder, if its user may not read `folder`.
    postgres_folder: Path | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        webs = [f"web-{number + 1}" for number in range(self.webs)]
        workers = [f"worker-{number + 1}" for number in range(self.workers)]
        self.ports = {name: free_port() for name in ("postgres", "redis", *webs, *workers)}
        self.ports["nginx"] = self.port
        self._secret = self._read_or_make_secret()
        self.postgres = self._postgres(self.postgres_folder or self.folder / "postgres")
        self.redis = self._redis()
        self.web = [self._outcry(name, "serve") for name in webs]
        self.worker = [self._outcry(name, "work") for name in workers]
        self.nginx = self._nginx(self.folder / "nginx", webs)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return f"postgres://outcry:{self._secret}@127.0.0.1:{self.ports['postgres']}/postgres"

    @property
    def secret_file(self) -> Path:
        """Holds the password of PostgreSQL and Redis."""
        return self.folder / "secret"

    @property
    def settings(self) -> dict[str, str]:
        """The environment of Outcry's own processes."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": f"redis://:{self._secret}@127.0.0.1:{self.ports['redis']}/0",
            "OUTCRY_RUNNER": "worker",
            "OUTCRY_BEHIND_PROXY": "true",
            "OUTCRY_SITE_URL": self.url,
            **self.env,
        }

    def members(self) -> list[Member]:
        """In the order in which they start."""
        return [self.postgres, self.redis, *self.worker, *self.web, self.nginx]

    def start(self) -> None:
        """Start all members and wait until they are ready. Raises StepFailedError; nothing is left running then."""
        # Ends the members if this process is killed: they are in its process group, and its pipe closes then. The group
        # is not this process's own, so that Ctrl-C reaches only this process, which stops the members in order.
        self._guard = subprocess.Popen(
            ["sh", "-c", "read _; kill -TERM 0"], stdin=subprocess.PIPE, process_group=0
        )
        for member in self.members():
            member.process_group = self._guard.pid
        try:
            self.postgres.start()
            self.redis.start()
            migrate = [str(PYTHON), "manage.py", "migrate", "--no-input", "--verbosity", "0"]
            run(migrate, otherwise="The lines above say why.", cwd=ROOT, **self.settings)
            for member in (*self.worker, self.web[0]):
                member.begin()
            # The first web process creates the first account; the others find it.
            self.web[0].wait()
            for member in (*self.web[1:], self.nginx):
                member.begin()
            for member in self.members():
                member.wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop each member before those that it needs: nginx, web processes, workers, stores."""
        for members in ([self.nginx], self.web, self.worker, [self.redis], [self.postgres]):
            with ThreadPoolExecutor(len(members)) as threads:
                list(threads.map(Member.stop, members))
        self._guard.kill()
        self._guard.communicate()

    def restarted(self, stop: threading.Event) -> Iterator[str]:
        """Until `stop` is set, restart members that ended by themselves; yields a sentence for each."""
        while not stop.wait(0.2):
            for member in self.members():
                if member.process is not None and (code := member.process.poll()) is not None:
                    yield f"{member.name} ended with {code}, and starts again"
                    member.begin()

    def _read_or_make_secret(self) -> str:
        if not self.secret_file.exists():
            # Renamed when complete, so that an interrupted write leaves no half of a password.
            made = self.secret_file.with_suffix(".new")
            _write_private(made, secrets.token_hex(24))
            made.rename(self.secret_file)
        return self.secret_file.read_text()

    def _postgres(self, folder: Path) -> Member:
        """PostgreSQL with its data in `folder`, which is made on the first call."""
        data, user = folder / "data", programs.unprivileged_user()
        initdb = programs.POSTGRESQL.path()
        if not data.exists():
            folder.mkdir(parents=True, exist_ok=True)
            password = folder / "password"
            _write_private(password, self._secret)
            if user is not None:
                for path in (folder, password):
                    shutil.chown(path, user)
            options = [f"--pgdata={data}", "--username=outcry", "--auth=scram-sha-256", "--encoding=UTF8"]
            command = [str(initdb), *options, f"--pwfile={password}"]
            done = subprocess.run(command, user=user, cwd=folder, check=False, capture_output=True, text=True)
            if done.returncode:
                raise StepFailedError(f"`initdb` failed:\n{done.stdout}{done.stderr}")
            password.unlink()
        server, port = initdb.resolve().with_name("postgres"), str(self.ports["postgres"])
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"]
        probe: list[str | Path] = [server.with_name("pg_isready"), "-q", "-h", "127.0.0.1", "-p", port]
        return Member(
            "postgres",
            [server, "-D", data, "-p", port, *(f"--{setting}" for setting in settings)],
            os.environ,
            lambda: subprocess.run(probe, check=False, capture_output=True).returncode == 0,
            self.on_line,
            user=user,
            cwd=folder,
            # Fast shutdown: it does not wait for clients to disconnect.
            stop_signal=signal.SIGINT,
        )

    def _redis(self) -> Member:
        # A file, because everybody on the machine can read arguments.
        file, port = self.folder / "redis.conf", self.ports["redis"]
        lines = [
            "loglevel warning",
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {self._secret}",
            'save ""',
            f'dir "{self.folder}"',
        ]
        _write_private(file, "\n".join(lines))
        command = [programs.REDIS.path(), file]
        accepts = partial(_works, lambda: socket.create_connection(("127.0.0.1", port), timeout=1))
        return Member("redis", command, os.environ, accepts, self.on_line)

    def _nginx(self, folder: Path, webs: list[str]) -> Member:
        folder.mkdir(exist_ok=True)
        file = folder / "nginx.conf"
        upstreams = [f"127.0.0.1:{self.ports[name]}" for name in webs]
        listen = f"127.0.0.1:{self.port}"
        # All clients have this machine's address. nginx counts at most 65,535 of them.
        text = proxy.configuration(listen, upstreams, folder, connections=65_535, requests=100_000)
        file.write_text(text)
        command = proxy.command(programs.NGINX.path(), folder, file)
        return Member("nginx", command, os.environ, lambda: _answers(f"{self.url}/healthz"), self.on_line)

    def _outcry(self, name: str, command: str) -> Member:
        port = self.ports[name]
        return Member(
            name,
            [PYTHON, "manage.py", command, "--port", str(port)],
            environment({**self.settings, "PYTHONUNBUFFERED": "1"}),
            lambda: _answers(f"http://127.0.0.1:{port}/readyz"),
            self.on_line,
        )


def _write_private(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


def _answers(url: str) -> bool:
    """Whether a GET is answered without an error."""
    return _works(lambda: urllib.request.urlopen(url, timeout=5))  # noqa: S310 (loopback)


def _works(connect: Callable[[], AbstractContextManager[object]]) -> bool:
    try:
        with connect():
            return True
    except OSError:
        return False
