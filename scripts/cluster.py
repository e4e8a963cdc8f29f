"""Outcry as it runs past one process, on this machine: PostgreSQL, Redis, nginx, web processes and workers.

What they keep lies in one folder; passwords are made once and kept there. Every port but nginx's is taken as it comes.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts import programs, proxy
from scripts.console import StepFailedError, environment
from scripts.places import PYTHON, ROOT
from scripts.ports import free_port
from scripts.programs import unprivileged_user

# On a busy machine, and with a first start of everything.
START_SECONDS: Final = 120.0
# More than the grace of a process that leaves its debates.
STOP_SECONDS: Final = 30.0


@dataclass
class Member:
    """One process of the cluster, which can be killed, stopped and started again."""

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    is_ready: Callable[[], bool]
    tell: Callable[[str, str], None]
    user: str | None = None
    cwd: Path = ROOT
    stdin: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    guard: "Guard | None" = None
    process: "subprocess.Popen[str] | None" = None
    _reading: threading.Thread | None = None

    def begin(self) -> None:
        """Start it, without waiting until it is ready."""
        self.process = subprocess.Popen(
            [str(word) for word in self.command],
            cwd=self.cwd,
            env=dict(self.env),
            user=self.user,
            # Whoever starts as root would otherwise give root's groups away.
            extra_groups=None if self.user is None else [],
            group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
            stdin=subprocess.DEVNULL if self.stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=None if self.guard is None else self.guard.group,
        )
        if self.stdin is not None:
            assert self.process.stdin is not None
            self.process.stdin.write(self.stdin)
            self.process.stdin.close()
        self._reading = threading.Thread(target=self._tell, args=(self.process,), daemon=True)
        self._reading.start()

    def _tell(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.tell(self.name, line.rstrip("\n"))

    def wait(self) -> None:
        """Until it is ready. Raises StepFailedError."""
        give_up = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process is None or self.process.poll() is not None:
                raise StepFailedError(f"{self.name} ended before it was ready; its lines above say why.")
            if time.monotonic() > give_up:
                raise StepFailedError(f"{self.name} was not ready within {START_SECONDS:.0f} seconds.")
            time.sleep(0.05)

    def start(self) -> None:
        self.begin()
        self.wait()

    def stop(self) -> int:
        """As a service manager does; its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self._over()

    def kill(self) -> None:
        """As `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            self._over()

    def _over(self) -> int:
        assert self.process is not None
        code = self.process.wait()
        # What it started itself may hold its pipe open for longer.
        if self._reading is not None:
            self._reading.join(timeout=1)
        self.process = None
        return code


class Guard:
    """Ends what is left of a cluster whose own process was killed: all its members are of one group, and the guard's
    pipe closes with that process."""

    def __init__(self) -> None:
        # A group of its own: Ctrl-C is for the cluster as a whole, which ends its members in order.
        self._process = subprocess.Popen(
            ["sh", "-c", "read _; kill -TERM 0"], stdin=subprocess.PIPE, process_group=0
        )

    @property
    def group(self) -> int:
        return self._process.pid

    def leave(self) -> None:
        """Once nobody needs to be guarded."""
        self._process.kill()
        self._process.communicate()


@dataclass
class Cluster:
    """`webs` web processes behind nginx at `port`, and `workers`. `env` goes to each of them; `tell` gets every line
    that a member writes, with its name."""

    folder: Path
    port: int
    tell: Callable[[str, str], None]
    env: Mapping[str, str] = field(default_factory=dict)
    webs: int = 2
    workers: int = 2
    # Whether static files are to be collected before the start.
    collects: bool = False
    # Where PostgreSQL's user may go, if not into `folder`.
    postgres_folder: Path | None = None
    postgres: Member = field(init=False)
    redis: Member = field(init=False)
    nginx: Member = field(init=False)
    web: list[Member] = field(init=False)
    worker: list[Member] = field(init=False)
    ports: dict[str, int] = field(init=False)
    _guard: Guard = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        names = ["postgres", "redis"]
        names += [f"web-{number + 1}" for number in range(self.webs)]
        names += [f"worker-{number + 1}" for number in range(self.workers)]
        self.ports = {name: free_port() for name in names}
        self.ports["nginx"] = self.port
        self._secret = self._kept(self.secret_file)
        self.postgres = self._postgres()
        self.redis = self._redis()
        self.web = [self._process(f"web-{number + 1}", "serve") for number in range(self.webs)]
        self.worker = [self._process(f"worker-{number + 1}", "work") for number in range(self.workers)]
        self.nginx = self._nginx()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return f"postgres://outcry:{self._secret}@127.0.0.1:{self.ports['postgres']}/postgres"

    @property
    def redis_url(self) -> str:
        return f"redis://:{self._secret}@127.0.0.1:{self.ports['redis']}/0"

    @property
    def secret_file(self) -> Path:
        """Where the password of PostgreSQL and Redis is kept."""
        return self.folder / "secret"

    @property
    def settings(self) -> dict[str, str]:
        """What each of Outcry's own processes gets."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "OUTCRY_RUNNER": "worker",
            "OUTCRY_BEHIND_PROXY": "true",
            **self.env,
        }

    def members(self) -> list[Member]:
        """In the order in which they start; they stop in the other."""
        return [self.postgres, self.redis, *self.worker, *self.web, self.nginx]

    def start(self) -> None:
        """All of it. Raises StepFailedError; then nothing is left running."""
        self._guard = Guard()
        for member in self.members():
            member.guard = self._guard
        try:
            self.postgres.start()
            self.redis.start()
            self.manage("migrate", "--no-input", "--verbosity", "0")
            if self.collects:
                self.manage("collectstatic", "--no-input", "--verbosity", "0")
            for member in (*self.worker, self.web[0]):
                member.begin()
            # It makes the first account, which the others find.
            self.web[0].wait()
            for member in (*self.web[1:], self.nginx):
                member.begin()
            for member in self.members():
                member.wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Watchers are sent away, debates are handed over, and what holds them ends last."""
        for members in ([self.nginx], self.web, self.worker, [self.redis], [self.postgres]):
            stopping = [threading.Thread(target=member.stop) for member in members]
            for thread in stopping:
                thread.start()
            for thread in stopping:
                thread.join()
        self._guard.leave()

    def manage(self, *arguments: str) -> None:
        """Run a command of manage.py. Raises StepFailedError."""
        env = environment(self.settings)
        done = subprocess.run(
            [PYTHON, "manage.py", *arguments], cwd=ROOT, env=env, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise StepFailedError(f"`manage.py {' '.join(arguments)}` failed:\n{done.stdout}{done.stderr}")

    def _process(self, name: str, command: str) -> Member:
        port = self.ports[name]
        words = [str(PYTHON), "manage.py", command, "--port", str(port)]
        return Member(
            name,
            words,
            environment({**self.settings, "PYTHONUNBUFFERED": "1"}),
            lambda: _answers(f"http://127.0.0.1:{port}/readyz"),
            self.tell,
        )

    def _postgres(self) -> Member:
        place, user = self.postgres_folder or self.folder / "postgres", unprivileged_user()
        data = place / "data"
        if not data.exists():
            place.mkdir(parents=True, exist_ok=True)
            password = place / "password"
            password.touch(mode=0o600)
            password.write_text(self._secret)
            if user is not None:
                for path in (place, password):
                    shutil.chown(path, user)
            initdb = [
                "-D",
                str(data),
                "-U",
                "outcry",
                "-A",
                "scram-sha-256",
                "--pwfile",
                str(password),
                "-E",
                "UTF8",
            ]
            _run([_command(programs.POSTGRESQL), *initdb], user, place)
            password.unlink()
        port = self.ports["postgres"]
        server = _command(programs.POSTGRESQL).resolve().with_name("postgres")
        options = [
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "max_connections=200",
        ]
        return Member(
            "postgres",
            [server, "-D", data, "-p", str(port), *options],
            os.environ,
            lambda: _is_zero([server.with_name("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]),
            self.tell,
            user=user,
            cwd=place,
            # Fast: it waits for nobody who stays connected.
            stop_signal=signal.SIGINT,
        )

    def _redis(self) -> Member:
        port = self.ports["redis"]
        # By its standard input: arguments can be read by everybody on the machine.
        lines = [
            "loglevel warning",
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {self._secret}",
            'save ""',
            f"dir {self.folder}",
        ]
        return Member(
            "redis",
            [_command(programs.REDIS), "-"],
            os.environ,
            lambda: _accepts(port),
            self.tell,
            stdin="\n".join(lines) + "\n",
        )

    def _nginx(self) -> Member:
        place = self.folder / "nginx"
        place.mkdir(exist_ok=True)
        written = place / "nginx.conf"
        webs = [f"127.0.0.1:{self.ports[member.name]}" for member in self.web]
        written.write_text(proxy.configuration(f"127.0.0.1:{self.port}", webs, place))
        return Member(
            "nginx",
            proxy.command(_command(programs.NGINX), place, written),
            os.environ,
            lambda: _answers(f"{self.url}/healthz"),
            self.tell,
            stop_signal=signal.SIGTERM,
        )

    def _kept(self, file: Path) -> str:
        if not file.exists():
            # Whole or not at all.
            made = file.with_suffix(".new")
            made.touch(mode=0o600)
            made.write_text(secrets.token_hex(24))
            made.rename(file)
        return file.read_text()


def _command(program: programs.Program) -> Path:
    if (found := program.find()) is None:
        raise StepFailedError(f"{program.name} is not installed (package: {program.package}).")
    return found


def _run(command: Sequence[str | Path], user: str | None, cwd: Path) -> None:
    done = subprocess.run(command, user=user, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        raise StepFailedError(f"`{Path(command[0]).name}` failed:\n{done.stdout}{done.stderr}")


def _is_zero(command: Sequence[str | Path]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (loopback)
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def watched(cluster: Cluster, is_over: threading.Event) -> Iterator[str]:
    """Start again what ends by itself, as a service manager does, until told that it is over; a sentence for each."""
    while not is_over.wait(0.2):
        for member in cluster.members():
            if member.process is not None and (code := member.process.poll()) is not None:
                yield f"{member.name} ended with {code}, and starts again"
                member.begin()
