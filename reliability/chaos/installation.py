"""Servers of one Outcry: real processes over one database, each to be killed, frozen or stopped."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from reliability.chaos.stores import Log, Standings, Store
from scripts.ports import free_port
from tests.e2e import programs
from tests.e2e.site import Site, running

# Debates are many and quick here; no limit of a user is what is tried.
BUSY = {
    "OUTCRY_MAX_RUNNING_PER_USER": "1000",
    "OUTCRY_START_RATE": "100000/minute",
    "OUTCRY_CONTROL_RATE": "100000/minute",
    "OUTCRY_ESTIMATE_RATE": "100000/minute",
    "OUTCRY_READ_RATE": "1000000/minute",
    "OUTCRY_MAX_CONNECTIONS_PER_USER": "100000",
    "OUTCRY_MAX_FRAMES_PER_SECOND": "100000",
}
SHORT_LEASES = {"OUTCRY_LEASE_SECONDS": "2", "OUTCRY_LEASE_HEARTBEAT_SECONDS": "0.5"}
# For the slowest thing there is here on a busy machine; whoever waits so long has failed.
PATIENCE_SECONDS = 120.0


class RefusedError(Exception):
    """A start was refused, with the code of the refusal."""


async def begun(site: Site, cookies: str, topic: str, rounds: int) -> str:
    """Start a debate; its id. Raises RefusedError."""
    async with programs.socket(site, cookies) as connection:
        await connection.send(json.dumps({"type": "start", "topic": topic, "rounds": rounds}))
        async for frame in programs.frames(connection):
            if frame["type"] == "error" and frame["seq"] is None:
                raise RefusedError(frame["data"]["code"])
            if frame["type"] == "hello":
                return str(frame["conversation"])
    raise RefusedError(f"closed with {connection.close_code}")


@dataclass
class Server:
    """One process of an installation. `ready_at` is in seconds since 1970."""

    site: Site
    ready_at: float
    _stack: ExitStack

    async def kill(self) -> float:
        """As `kill -9` does; when, in seconds since 1970."""
        self.site.process.kill()
        at = time.time()
        await asyncio.to_thread(self._stack.close)
        return at

    async def stop(self) -> int:
        """As `kill` does; its exit code."""
        self.site.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(self.site.process.wait, PATIENCE_SECONDS)
        await asyncio.to_thread(self._stack.close)
        return code

    def freeze(self) -> None:
        self.site.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.site.process.send_signal(signal.SIGCONT)


@dataclass
class Installation:
    """A database, a folder of data, and the processes that serve them. The first to start makes the tables."""

    store: Store
    folder: Path
    env: Mapping[str, str]
    cookies: str = ""
    servers: list[Server] = field(default_factory=list)

    async def start(self, port: int | None = None, **env: str) -> Server:
        """One more process."""
        stack = ExitStack()
        environment = {**BUSY, **self.env, **env, "DATABASE_URL": self.store.url}
        serving = running(self.folder, environment, port or free_port(), migrate=not self.cookies)
        site = await asyncio.to_thread(stack.enter_context, serving)
        if not self.cookies:
            self.cookies = await asyncio.to_thread(programs.signed_in, site)
        server = Server(site, time.time(), stack)
        self.servers.append(server)
        return server

    async def kill(self, server: Server) -> float:
        self.servers.remove(server)
        return await server.kill()

    async def stop(self, server: Server) -> int:
        self.servers.remove(server)
        return await server.stop()

    @property
    def urls(self) -> list[str]:
        """Where its living servers are."""
        return [server.site.url for server in self.servers]

    async def begin(self, server: Server, topic: str, rounds: int = 1) -> str:
        """Start a debate through this server; its id. Raises RefusedError."""
        return await begun(server.site, self.cookies, topic, rounds)

    def seen_from(self, url: str) -> Site:
        return replace(self.servers[0].site, url=url)

    def said(self) -> str:
        """The output of its servers."""
        return (self.folder / "server.log").read_text()


@asynccontextmanager
async def installed(store: Store, folder: Path, env: Mapping[str, str]) -> AsyncIterator[Installation]:
    """An installation without a process yet; those that it has at the end are ended."""
    installation = Installation(store, folder, env)
    try:
        yield installation
    finally:
        for server in (*installation.servers,):
            server.thaw()
            await installation.stop(server)


async def until(
    store: Store,
    true: Callable[[Log, Standings], bool],
    seconds: float = PATIENCE_SECONDS,
    *,
    every: float = 0.1,
) -> bool:
    """Whether the database comes to hold what is wanted, as soon as it does. Nobody rings for who looks from
    outside, so this looks again and again."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if true(*await asyncio.to_thread(_look, store)):
            return True
        await asyncio.sleep(every)
    return False


def all_ended(_: Log, standings: Standings) -> bool:
    """Whether no debate goes on."""
    return all(standing.has_ended for standing in standings.values())


def _look(store: Store) -> tuple[Log, Standings]:
    return store.log(), store.standings()
