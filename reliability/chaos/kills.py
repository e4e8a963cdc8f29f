"""`kill -9` of the server at random moments of running debates, and one server after another on one database."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from uuid import UUID

from reliability.chaos import audit
from reliability.chaos.crowd import Crowd
from reliability.chaos.figures import Row
from reliability.chaos.installation import SHORT_LEASES, Installation, Server, all_ended, installed, until
from reliability.chaos.stores import Log, Standings, Store
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Reply

# A turn of a second and a quarter, a debate of some five seconds.
TOKENS, TOKENS_PER_SECOND = 25, 20.0
DEBATES = 4
# From the end of a lease; on a machine that is not busy with other things.
TAKEN_OVER_SECONDS = 5.0
# A conversation may be resumed so often in vain; then it ends with this code, which is an end as promised.
TRIED_ENOUGH = "resume_failed"


def paced(tokens: int = TOKENS, rate: float = TOKENS_PER_SECOND) -> OpenAIServer:
    """A slow model."""
    words = [f"word{number} " for number in range(tokens)]
    return OpenAIServer(default=Reply(words, tokens_per_second=rate))


@dataclass
class Scene:
    """Debates that run in an installation, each with its watcher, and the kills they went through."""

    installation: Installation
    row: Row
    rng: random.Random
    crowd: Crowd
    kills: list["Kill"] = field(default_factory=list)
    begun: int = 0
    # Which server runs which debate, as far as we know.
    homes: dict[str, Server] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.installation.store

    def heard(self, conversation: str) -> list[float]:
        """When a debate's watcher heard words; its id is in hexadecimal digits."""
        return self.crowd.watchers[str(UUID(conversation))].heard

    async def top_up(self, *servers: Server, debates: int = DEBATES, rounds: int = 1) -> None:
        """Have so many debates running, started by these servers in turn."""
        running = sum(not it.has_ended for it in self.store.standings().values())
        for number in range(debates - running):
            self.begun += 1
            topic = f"Question {self.begun}: is Tarnwick worth buying?"
            server = servers[number % len(servers)]
            conversation = await self.installation.begin(server, topic, rounds)
            self.crowd.watch(conversation)
            self.homes[UUID(conversation).hex] = server

    async def kill(self, server: Server) -> "Kill":
        """Kill the server, and compare the stored rows with those at the previous kill."""
        at = await self.installation.kill(server)
        log, standings = self.store.log(), self.store.standings()
        if self.kills:
            self.row.found(audit.altered(self.kills[-1].log, log), lost=True)
        cut = {pk for pk, home in self.homes.items() if home is server and not standings[pk].has_ended}
        self.kills.append(Kill(at, log, standings, cut))
        self.row.tried += 1
        return self.kills[-1]

    def moved(self, cut: set[str], server: Server) -> None:
        """The servers that run the debates from now on."""
        self.homes |= dict.fromkeys(cut, server)

    async def end(self) -> None:
        """Wait until all debates have ended, and check their logs."""
        if not await until(self.store, all_ended, every=0.5):
            self.row.found(["not all debates have ended"])
        log, standings = self.store.log(), self.store.standings()
        if self.kills:
            self.row.found(audit.altered(self.kills[-1].log, log), lost=True)
        self.row.found(audit.unsound(log, standings), lost=True)
        self.row.found(await self.crowd.ended(60), lost=True)
        for conversation, standing in standings.items():
            if standing.has_ended and standing.status != "completed" and standing.reason != TRIED_ENOUGH:
                self.row.found([f"{conversation} ended as {standing.status}, {standing.reason}"])
        self._measure(log)
        if self.row.detected and max(self.row.detected) > TAKEN_OVER_SECONDS:
            worst = f"{max(self.row.detected):.1f} s after its lease had lapsed"
            self.row.notes.append(f"    SLOW: a debate was taken over {worst}")
        given_up = sum(standing.reason == TRIED_ENOUGH for standing in standings.values())
        if given_up:
            self.row.notes.append(f"    {given_up} of {len(standings)} debates gave up after too many kills")

    def _measure(self, log: Log) -> None:
        ends = [after.at for after in self.kills[1:]]
        for kill, end in zip_longest(self.kills, ends):
            kill.measure(log, end, self.row)


@dataclass
class Kill:
    """What was stored when a server was killed, and which debates were cut by it. `at` is when another one was there to
    take them up: at once where there are several, else when it has started."""

    at: float
    log: Log
    standings: Standings
    cut: set[str]

    def is_over(self, log: Log, _: Standings) -> bool:
        """Whether every debate that was cut has gone on."""
        return all(len(log[pk]) > len(self.log.get(pk, [])) for pk in self.cut)

    def measure(self, log: Log, end: float | None, row: Row) -> None:
        """How long each debate that was cut waited, if it was not cut again before: from its lease's end until it was
        taken over, and from `at` to the next words."""
        for conversation in self.cut:
            head = len(self.log.get(conversation, []))
            later = [it for it in log.get(conversation, []) if it.seq > head]
            words = [it for it in later if it.type in {"token", "agent_message"}]
            free = max(self.at, self.standings[conversation].lease_until or 0)
            if later and (end is None or later[0].moment < end):
                row.detected.append(max(0.0, later[0].moment - free))
            if words and (end is None or words[0].moment < end):
                row.recovered.append(max(0.0, words[0].moment - self.at))


@asynccontextmanager
async def scene(
    name: str, store: Store, folder: Path, seed: int, env: Mapping[str, str], model: OpenAIServer
) -> AsyncIterator[Scene]:
    """A stage for debates that this model speaks."""
    async with model, installed(store, folder, {"OUTCRY_PROVIDERS": model.provider, **env}) as installation:
        crowd = Crowd(installation)
        try:
            yield Scene(installation, Row(name), random.Random(seed), crowd)
        finally:
            crowd.leave()


async def kill_and_restart(
    store: Store, folder: Path, *, times: int, seed: int, env: Mapping[str, str] = SHORT_LEASES
) -> Row:
    """One server, killed at random moments of several debates and started again."""
    name = f"`kill -9` of the only server, started again ({store.name}{_leases(env)})"
    async with scene(name, store, folder, seed, env, paced()) as stage:
        server = await stage.installation.start()
        for number in range(times):
            await stage.top_up(server)
            moment = stage.rng.uniform(0, 4)
            print(f"  {store.name}: kill {number + 1} of {times} after {moment:.2f} s", flush=True)
            await asyncio.sleep(moment)
            kill = await stage.kill(server)
            server = await stage.installation.start()
            stage.moved(kill.cut, server)
            kill.at = server.ready_at
        await stage.end()
        return stage.row


def _leases(env: Mapping[str, str]) -> str:
    return (
        f", leases of {env['OUTCRY_LEASE_SECONDS']} s"
        if "OUTCRY_LEASE_SECONDS" in env
        else ", default leases"
    )


async def kill_one_of_two(
    store: Store, folder: Path, *, times: int, seed: int, env: Mapping[str, str] = SHORT_LEASES
) -> Row:
    """Two servers on one database, each with its debates; one is killed, and the other takes its debates over."""
    name = f"`kill -9` of one of two servers ({store.name}{_leases(env)})"
    async with scene(name, store, folder, seed, env, paced()) as stage:
        living = await stage.installation.start()
        dying = await stage.installation.start()
        for _ in range(times):
            await stage.top_up(dying, living, debates=2 * DEBATES)
            await asyncio.sleep(stage.rng.uniform(0, 2))
            kill = await stage.kill(dying)
            if not await until(store, kill.is_over):
                stage.row.found(["the other server did not take all debates over"])
            stage.moved(kill.cut, living)
            living, dying = await stage.installation.start(), living
        await stage.end()
        return stage.row


async def freeze_one_of_two(
    store: Store, folder: Path, *, times: int, seed: int, env: Mapping[str, str] = SHORT_LEASES
) -> Row:
    """A server that stands still for longer than its lease, and then goes on as if nothing had been: the debates are
    another's by then, and it writes nothing more to them."""
    name = f"a server stands still past its lease, and wakes up ({store.name})"
    async with scene(name, store, folder, seed, env, paced()) as stage:
        awake, asleep = await stage.installation.start(), await stage.installation.start()
        for _ in range(times):
            await stage.top_up(asleep, debates=DEBATES)
            await asyncio.sleep(stage.rng.uniform(0, 1))
            asleep.freeze()
            frozen = Kill(time.time(), store.log(), store.standings(), set())
            frozen.cut = {pk for pk, standing in frozen.standings.items() if not standing.has_ended}
            stage.row.tried += 1
            # A frozen process that holds SQLite's lock blocks the other server, too; it is woken in any case.
            await until(store, frozen.is_over, 15)
            asleep.thaw()
            await until(store, frozen.is_over)
            if not await until(store, all_ended, every=0.5):
                stage.row.found(["not all debates have ended"])
            log = store.log()
            stage.row.found(audit.altered(frozen.log, log), lost=True)
            frozen.measure(log, None, stage.row)
            awake, asleep = asleep, awake
        await stage.end()
        return stage.row


async def race_for_orphans(
    store: Store, folder: Path, *, times: int, seed: int, env: Mapping[str, str] = SHORT_LEASES
) -> Row:
    """Two servers start at once over debates that nobody runs: each is run by one of them."""
    name = f"two servers race for the same debates ({store.name})"
    async with scene(name, store, folder, seed, env, paced()) as stage:
        first = await stage.installation.start()
        for _ in range(times):
            await stage.top_up(first, debates=2 * DEBATES)
            await asyncio.sleep(stage.rng.uniform(0, 1))
            kill = await stage.kill(first)
            first, second = await asyncio.gather(stage.installation.start(), stage.installation.start())
            kill.at = min(first.ready_at, second.ready_at)
            if not await until(store, all_ended, every=0.5):
                stage.row.found(["not all debates have ended"])
            await stage.installation.stop(second)
        await stage.end()
        return stage.row
