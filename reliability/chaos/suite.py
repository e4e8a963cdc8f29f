"""The parts of `make chaos`."""

import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command

from conversations.infrastructure import database
from reliability.chaos import farewells, kills, outages, providers
from reliability.chaos.figures import Row, together
from reliability.chaos.installation import SHORT_LEASES
from reliability.chaos.stores import PostgreSQL, SQLite, Store, redis
from scripts.ports import free_port

OUTAGE_SECONDS = 30.0


@dataclass
class Suite:
    """Runs scenarios; each has its own folder and database. `scale` multiplies how often each is tried."""

    folder: Path
    seed: int
    scale: float
    _places: int = 0

    def times(self, usual: int) -> int:
        return max(1, round(usual * self.scale))

    def place(self) -> Path:
        self._places += 1
        made = self.folder / f"scenario-{self._places}"
        made.mkdir()
        return made

    @contextmanager
    def stores(self) -> Iterator[Sequence[tuple[Store, Path]]]:
        """A new SQLite and a new PostgreSQL database."""
        place = self.place()
        with PostgreSQL.cluster() as cluster:
            yield [(SQLite(place), place), (cluster, self.place())]

    async def kills(self) -> list[Row]:
        rows = []
        for env, times in ((SHORT_LEASES, 30), ({}, 3)):
            with self.stores() as stores:
                rows += [
                    _told(
                        await kills.kill_and_restart(
                            store, place, times=self.times(times), seed=self.seed, env=env
                        )
                    )
                    for store, place in stores
                ]
        return rows

    async def two(self) -> list[Row]:
        rows = []
        for scenario, times in (
            (kills.kill_one_of_two, 5),
            (kills.freeze_one_of_two, 2),
            (kills.race_for_orphans, 2),
        ):
            with self.stores() as stores:
                rows += [
                    _told(await scenario(store, place, times=self.times(times), seed=self.seed))
                    for store, place in stores
                ]
        with self.stores() as stores:
            for store, place in stores:
                row = await kills.kill_one_of_two(store, place, times=self.times(2), seed=self.seed, env={})
                rows.append(_told(row))
        return rows

    async def providers(self) -> list[Row]:
        owner = await database.call(_owner)
        return [
            *await providers.measure(owner, times=self.times(2)),
            *await providers.open_circuit(owner, times=self.times(10)),
            *await providers.flapping(owner, times=self.times(10)),
            *await providers.odd(owner, times=self.times(2)),
        ]

    async def sigterm(self) -> list[Row]:
        rows = []
        for scenario in (farewells.short_turns, farewells.long_turns):
            with self.stores() as stores:
                rows += [
                    _told(await scenario(store, place, times=self.times(3), seed=self.seed))
                    for store, place in stores
                ]
        return rows

    async def outages(self) -> list[Row]:
        often = {"times": self.times(2), "seconds": OUTAGE_SECONDS}
        with PostgreSQL.cluster() as cluster:
            rows = [_told(await outages.postgres_away(cluster, self.place(), **often))]  # type: ignore[arg-type]
        place = self.place()
        rows.append(_told(await outages.sqlite_locked(SQLite(place), place, **often)))  # type: ignore[arg-type]
        with redis() as server, PostgreSQL.cluster() as cluster:
            rows.append(_told(await outages.redis_away(cluster, self.place(), server, **often)))  # type: ignore[arg-type]
        return rows

    async def local(self) -> list[Row]:
        place, model = self.place(), Path(os.environ["OUTCRY_LOCAL_MODEL"])
        return [
            _told(
                await outages.local_model_dies(
                    SQLite(place), place, model, times=self.times(5), seed=self.seed
                )
            )
        ]

    async def disk(self) -> list[Row]:
        place = self.place()
        with outages.small_disk(place) as disk:
            if disk is None:
                return [Row("the disk is full (not tried: needs the right to mount a small one)")]
            return [_told(await outages.disk_full(place, disk, times=self.times(3), seconds=10))]

    async def cluster(self) -> list[Row]:
        # Not above: a cluster's tests are made of these.
        from reliability.cluster import scenarios
        from reliability.cluster.stage import cluster, speaker

        rows = []
        port = free_port()
        with cluster(port, {}) as made:
            with speaker(port, 25, 20.0):
                for scenario in (
                    scenarios.worker_dies,
                    scenarios.web_dies,
                    scenarios.redis_dies,
                    scenarios.postgres_restarts,
                    scenarios.worker_stops_without_postgres,
                ):
                    tried = [await scenario(made) for _ in range(self.times(2))]
                    rows.append(_told(together(tried)))
            with speaker(port, 25, 3.0) as hurry:
                rows.append(_told(await scenarios.everything_restarts(made, 50, 500, hurry)))
        return rows


PARTS: Mapping[str, Callable[[Suite], Awaitable[list[Row]]]] = {
    "kills": Suite.kills,
    "two": Suite.two,
    "providers": Suite.providers,
    "sigterm": Suite.sigterm,
    "outages": Suite.outages,
    "local": Suite.local,
    "disk": Suite.disk,
    "cluster": Suite.cluster,
}


async def run(part: str, folder: Path, seed: int, scale: float) -> list[Row]:
    """The rows of a part."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        return await PARTS[part](Suite(Path(place), seed, scale))


def _told(row: Row) -> Row:
    print(row, flush=True)
    return row


def _owner() -> User:
    call_command("migrate", verbosity=0)
    return User.objects.create(username="chaos")
