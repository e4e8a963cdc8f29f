"""Servers are killed, stopped and starved in the middle of debates: all of them end, and nothing stored is lost.

One of each kind; `make chaos` does far more, and takes SQLite's file, PostgreSQL and the disk away. What a run does
then is tested in one process, in tests/scenarios/test_storage_outages.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reliability.chaos import kills, outages
from reliability.chaos.figures import Row
from reliability.chaos.stores import PostgreSQL, Redis, SQLite, redis

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SEED = 20260105
SECONDS = 3.0


@pytest.fixture
def sqlite(tmp_path: Path) -> SQLite:
    return SQLite(tmp_path)


@pytest.fixture(scope="module")
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


@pytest.mark.postgres
async def test_a_server_that_wakes_up_after_its_lease_writes_nothing_more(
    postgres: PostgreSQL, tmp_path: Path
) -> None:
    is_as_promised(await kills.freeze_one_of_two(postgres, tmp_path, times=1, seed=SEED))


@pytest.mark.redis
async def test_debates_go_on_without_redis(sqlite: SQLite, channel_layer: Redis, tmp_path: Path) -> None:
    row = await outages.redis_away(sqlite, tmp_path, channel_layer, times=1, seconds=SECONDS)
    is_as_promised(row)
