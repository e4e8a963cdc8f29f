"""Servers are killed, stopped and starved in the middle of debates: all of them end, and nothing stored is lost.

A few of each; `make chaos` does far more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reliability.chaos import farewells, kills, outages
from reliability.chaos.figures import Row
from reliability.chaos.stores import PostgreSQL, Redis, SQLite, redis
from tests.e2e.conftest import MODEL, needed

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SEED = 20260105
SECONDS = 3.0


@pytest.fixture
def sqlite(tmp_path: Path) -> SQLite:
    return SQLite(tmp_path)


@pytest.fixture
def postgres() -> Iterator[PostgreSQL]:
    with PostgreSQL.cluster() as cluster:
        yield cluster


@pytest.fixture
def channel_layer() -> Iterator[Redis]:
    with redis() as server:
        yield server


def is_as_promised(row: Row) -> None:
    assert row.problems == []
    assert (row.tried, row.lost) == (1, 0)


async def test_debates_survive_the_death_of_their_server(sqlite: SQLite, tmp_path: Path) -> None:
    is_as_promised(await kills.kill_and_restart(sqlite, tmp_path, times=1, seed=SEED))


@pytest.mark.postgres
async def test_another_server_takes_the_debates_of_a_dead_one_over(
    postgres: PostgreSQL, tmp_path: Path
) -> None:
    is_as_promised(await kills.kill_one_of_two(postgres, tmp_path, times=1, seed=SEED))


async def test_of_two_servers_that_race_for_debates_each_is_run_by_one(
    sqlite: SQLite, tmp_path: Path
) -> None:
    is_as_promised(await kills.race_for_orphans(sqlite, tmp_path, times=1, seed=SEED))


@pytest.mark.postgres
async def test_a_server_that_wakes_up_after_its_lease_writes_nothing_more(
    postgres: PostgreSQL, tmp_path: Path
) -> None:
    is_as_promised(await kills.freeze_one_of_two(postgres, tmp_path, times=1, seed=SEED))


async def test_a_server_that_stops_lets_its_turns_finish(sqlite: SQLite, tmp_path: Path) -> None:
    is_as_promised(await farewells.short_turns(sqlite, tmp_path, times=1, seed=SEED))


@pytest.mark.postgres
async def test_debates_wait_for_postgresql(postgres: PostgreSQL, tmp_path: Path) -> None:
    is_as_promised(await outages.postgres_away(postgres, tmp_path, times=1, seconds=SECONDS))


async def test_debates_wait_for_sqlites_file(sqlite: SQLite, tmp_path: Path) -> None:
    is_as_promised(await outages.sqlite_locked(sqlite, tmp_path, times=1, seconds=SECONDS))


@pytest.mark.redis
async def test_debates_go_on_without_redis(sqlite: SQLite, channel_layer: Redis, tmp_path: Path) -> None:
    row = await outages.redis_away(sqlite, tmp_path, channel_layer, times=1, seconds=SECONDS)
    is_as_promised(row)


async def test_debates_wait_for_room_on_the_disk(tmp_path: Path) -> None:
    with outages.small_disk(tmp_path) as disk:
        if disk is None:
            pytest.skip("a small disk cannot be mounted here")
        is_as_promised(await outages.disk_full(tmp_path, disk, times=1, seconds=SECONDS))


@pytest.mark.local_model
async def test_a_turn_is_spoken_again_when_the_local_model_dies(sqlite: SQLite, tmp_path: Path) -> None:
    needed(MODEL.exists(), f"the local model ({MODEL})")
    is_as_promised(await outages.local_model_dies(sqlite, tmp_path, MODEL, times=1, seed=SEED))
