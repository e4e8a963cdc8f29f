"""Outcry on several processes of this machine: PostgreSQL, Redis, nginx, web processes and workers.

Their data is in one folder. Passwords are made once and kept there. Every port but nginx's is chosen freely.
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts import cluster_servers
from scripts.console import environment, run
from scripts.member import Guard, Member
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
    # Whether to run collectstatic before the start.
    collects: bool = False
    # PostgreSQL's folder, if its user may not read `folder`.
    postgres_folder: Path | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        webs = [f"web-{number + 1}" for number in range(self.webs)]
        workers = [f"worker-{number + 1}" for number in range(self.workers)]
        self.ports = {name: free_port() for name in ("postgres", "redis", *webs, *workers)}
        self.ports["nginx"] = self.port
        self._secret = _read_or_make(self.secret_file)
        self.postgres = cluster_servers.postgres(
            self.postgres_folder or self.folder / "postgres",
            self.ports["postgres"],
            self._secret,
            self.on_line,
        )
        self.redis = cluster_servers.redis(self.folder, self.ports["redis"], self._secret, self.on_line)
        self.web = [self._outcry(name, "serve") for name in webs]
        self.worker = [self._outcry(name, "work") for name in workers]
        upstreams = [self.ports[name] for name in webs]
        self.nginx = cluster_servers.nginx(self.folder / "nginx", self.port, upstreams, self.on_line)

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
        """Holds the password of PostgreSQL and Redis."""
        return self.folder / "secret"

    @property
    def settings(self) -> dict[str, str]:
        """The environment of Outcry's own processes."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
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
        self._guard = Guard()
        for member in self.members():
            member.guard = self._guard
        try:
            self.postgres.start()
            self.redis.start()
            self._manage("migrate")
            if self.collects:
                self._manage("collectstatic")
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
        """Stop those that need others before those they need: watchers are sent away, then debates handed over."""
        for members in ([self.nginx], self.web, self.worker, [self.redis], [self.postgres]):
            stopping = [threading.Thread(target=member.stop) for member in members]
            for thread in stopping:
                thread.start()
            for thread in stopping:
                thread.join()
        self._guard.leave()

    def restarted(self, stop: threading.Event) -> Iterator[str]:
        """Until `stop` is set, start members again that ended by themselves; yield a sentence for each."""
        while not stop.wait(0.2):
            for member in self.members():
                if member.process is not None and (code := member.process.poll()) is not None:
                    yield f"{member.name} ended with {code}, and starts again"
                    member.begin()

    def _manage(self, name: str) -> None:
        command = [str(PYTHON), "manage.py", name, "--no-input", "--verbosity", "0"]
        run(command, otherwise="The lines above say why.", cwd=ROOT, **self.settings)

    def _outcry(self, name: str, command: str) -> Member:
        port = self.ports[name]
        return Member(
            name,
            [PYTHON, "manage.py", command, "--port", str(port)],
            environment({**self.settings, "PYTHONUNBUFFERED": "1"}),
            lambda: cluster_servers.answers(f"http://127.0.0.1:{port}/readyz"),
            self.on_line,
        )


def _read_or_make(file: Path) -> str:
    if not file.exists():
        # Renamed when complete, so that an interrupted write leaves no half of a password.
        made = file.with_suffix(".new")
        made.touch(mode=0o600)
        made.write_text(secrets.token_hex(24))
        made.rename(file)
    return file.read_text()
