"""A whole cluster, as `make cluster` runs it, with debates in it that are watched through its nginx."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from reliability.chaos import audit
from reliability.chaos.crowd import Crowd
from reliability.chaos.figures import Row
from reliability.chaos.installation import BUSY, Installation, all_ended, begun, until
from reliability.chaos.stores import Log, PostgreSQL, Standings, Stored
from scripts.cluster import Cluster
from scripts.ports import free_port
from tests.e2e import programs
from tests.e2e.site import PASSWORD, ROOT, USERNAME, Site
from tests.fakes.openai_server import OpenAIServer
from tests.support import servers

NEEDS = (("PostgreSQL", "initdb"), ("Redis", "redis-server"), ("nginx", "nginx"))


class Elsewhere(PostgreSQL):
    """The database of a cluster."""

    def __init__(self, url: str) -> None:
        self.url = url


class Clustered(Installation):
    """Its watchers come by nginx, or by one `entrance`."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(Elsewhere(cluster.database_url), cluster.folder, cluster.env)
        self.cluster = cluster
        self.entrance = cluster.url

    @property
    def urls(self) -> list[str]:
        return [self.entrance]

    def seen_from(self, url: str) -> Site:
        process = self.cluster.nginx.process
        assert process is not None
        return Site(url, self.folder, process)

    async def sign_in(self) -> None:
        self.cookies = await asyncio.to_thread(programs.signed_in, self.seen_from(self.cluster.url))


@contextmanager
def cluster(model_port: int, env: Mapping[str, str], *, webs: int = 2, workers: int = 2) -> Iterator[Cluster]:
    """A cluster whose debates are spoken by the model on this port."""
    for name, command in NEEDS:
        servers.require(name, command)
    with servers.folder("cluster") as folder, (folder / "log").open("a") as log:
        # PostgreSQL's user has to get through to its own folder.
        folder.chmod(0o711)
        (folder / "data").mkdir(mode=0o700)

        def write_line(name: str, line: str) -> None:
            print(f"[{name}] {line}", file=log, flush=True)

        settings = {
            **BUSY,
            "OUTCRY_DATA_DIR": str(folder / "data"),
            "OUTCRY_LOG_LEVEL": "WARNING",
            "OUTCRY_PROVIDERS": OpenAIServer(port=model_port).provider,
            "OUTCRY_DEMO_FALLBACK": "false",
            "OUTCRY_METRICS_NETWORKS": "127.0.0.1",
            "DJANGO_SUPERUSER_USERNAME": USERNAME,
            "DJANGO_SUPERUSER_EMAIL": "ada@example.com",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            **env,
        }
        made = Cluster(folder, free_port(), write_line, settings, webs, workers)
        made.start()
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def speaker(port: int, tokens: int, tokens_per_second: float) -> Iterator[Callable[[], None]]:
    """A model on this port, in a process of its own, because hundreds of watchers in the test's process would delay it.

    Yields a function that makes further answers as fast as possible."""
    options = ["--port", port, "--tokens", tokens, "--tokens-per-second", tokens_per_second]
    command = [sys.executable, "-m", "tests.fakes.openai_server", *map(str, options)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # It prints its address when it is ready.
        process.stdout.readline()
        try:
            yield lambda: process.send_signal(signal.SIGUSR1)
        finally:
            process.terminate()


class Stage:
    """Debates in a cluster, each with its watchers, and the result of the scenario."""

    def __init__(self, name: str, cluster: Cluster) -> None:
        self.cluster = cluster
        self.installation = Clustered(cluster)
        self.store = self.installation.store
        self.crowd = Crowd(self.installation)
        self.row = Row(name)
        self.begun: list[str] = []
        self._before: Log = {}

    async def begin(
        self, debates: int, *, rounds: int = 1, watchers: int = 1, through: str | None = None
    ) -> None:
        """Start debates, through nginx or through one web process, each with so many watchers."""
        for number in range(debates):
            site = self.installation.seen_from(through or self.cluster.url)
            conversation = await begun(
                site, self.installation.cookies, f"Question {number + 1}: buy?", rounds
            )
            self.begun.append(conversation)
            self.crowd.watch(conversation, watchers)

    async def until(self, true: Callable[[Log, Standings], bool]) -> bool:
        """Whether it becomes true of these debates, within PATIENCE_SECONDS."""
        return await until(self.store, lambda log, standings: true(*self._ours(log, standings)))

    async def until_spoken(self) -> None:
        """Until words of each debate are stored."""
        if not await self.until(
            lambda log, _: len(log) == len(self.begun) and all(map(_is_spoken, log.values()))
        ):
            self.row.found(["not every debate began to speak"])

    async def goes_on(self) -> bool:
        """Whether one of these debates has not ended."""
        _, standings = self._ours({}, await asyncio.to_thread(self.store.standings))
        return not all_ended({}, standings)

    def fault(self) -> float:
        """Note what is stored at a fault; its time, in seconds since 1970."""
        self._compare(self._ours(self.store.log(), {})[0])
        self.row.tried += 1
        return time.time()

    def heard_again(self, since: float) -> None:
        """Measure for each debate how long it was from then until its watcher heard words."""
        for conversation in self.begun:
            later = [at for at in self.crowd.watchers[conversation].heard if at > since]
            if later:
                self.row.recovered.append(later[0] - since)

    async def end(self) -> None:
        """Wait until all debates have ended, and check their logs and watchers."""
        if not await self.until(all_ended):
            self.row.found(["not all debates have ended"])
        log, standings = self._ours(self.store.log(), self.store.standings())
        self._compare(log)
        self.row.found(audit.unsound(log, standings), lost=True)
        self.row.found(await self.crowd.ended(60), lost=True)
        for conversation, standing in standings.items():
            if standing.has_ended and standing.status != "completed":
                self.row.found([f"{conversation} ended as {standing.status}, {standing.reason}"])

    def _compare(self, log: Log) -> None:
        self.row.found(audit.altered(self._before, log), lost=True)
        self._before = log

    def _ours(self, log: Log, standings: Standings) -> tuple[Log, Standings]:
        ours = {UUID(it).hex for it in self.begun}
        return (
            {it: rows for it, rows in log.items() if it in ours},
            {it: standing for it, standing in standings.items() if it in ours},
        )


@asynccontextmanager
async def stage(name: str, cluster: Cluster) -> AsyncIterator[Stage]:
    made = Stage(name, cluster)
    await made.installation.sign_in()
    try:
        yield made
    finally:
        made.crowd.leave()
        if made.row.problems:
            print((cluster.folder / "log").read_text()[-20_000:])


def _is_spoken(rows: Sequence[Stored]) -> bool:
    return any(row.type in {"token", "agent_message"} for row in rows)
