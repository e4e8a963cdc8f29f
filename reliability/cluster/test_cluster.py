"""Two web processes, two workers, nginx, Redis and PostgreSQL: no word is lost when one of them dies."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from reliability.chaos.figures import Row
from reliability.cluster import scenarios
from reliability.cluster.stage import cluster as a_cluster
from reliability.cluster.stage import speaker, stage
from scripts.cluster import Cluster
from scripts.ports import free_port
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Reply

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MODEL_PORT = free_port()
# A turn of a second and a quarter.
WORDS, WORDS_PER_SECOND = [f"word{number} " for number in range(25)], 20.0
# A turn of eight seconds: the debates outlast the restart of everything.
CALM_PER_SECOND = 3.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with a_cluster(MODEL_PORT, {}) as made:
        yield made


@pytest.fixture
async def model() -> AsyncIterator[OpenAIServer]:
    """A model that can be asked what it was asked."""
    reply = Reply(WORDS, tokens_per_second=WORDS_PER_SECOND)
    async with OpenAIServer(port=MODEL_PORT, default=reply) as server:
        yield server


@pytest.fixture
def spoken() -> Iterator[None]:
    """A model in a process of its own, which the test does not delay."""
    with speaker(MODEL_PORT, len(WORDS), WORDS_PER_SECOND):
        yield


def is_as_promised(row: Row) -> None:
    assert row.problems == []
    assert row.tried > 0
    assert row.lost == 0


async def test_a_debate_started_on_one_is_watched_on_the_other_and_run_by_a_worker(
    cluster: Cluster, model: OpenAIServer
) -> None:
    first, second = (f"http://127.0.0.1:{cluster.ports[member.name]}" for member in cluster.web)
    await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in cluster.worker))
    async with stage("started here, watched there", cluster) as scene:
        scene.installation.entrance = second
        await scene.begin(1, through=first)
        # Not executed yet, not even by the web process that accepted it.
        assert not model.asked
        await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in cluster.worker))
        await scene.end()
        assert scene.row.problems == []
        heard = scene.crowd.watchers[scene.begun[0]].heard
        # Words came as they were spoken, not all at the end.
        assert len(heard) > len(WORDS)


async def test_the_debates_of_a_dead_worker_go_on_with_another(cluster: Cluster, spoken: None) -> None:
    is_as_promised(await scenarios.worker_dies(cluster))


async def test_the_watchers_of_a_dead_web_process_miss_nothing(cluster: Cluster, spoken: None) -> None:
    is_as_promised(await scenarios.web_dies(cluster))


async def test_nothing_is_lost_with_redis(cluster: Cluster, spoken: None) -> None:
    is_as_promised(await scenarios.redis_dies(cluster))


async def test_a_rolling_restart_of_everything_loses_nothing(cluster: Cluster) -> None:
    with speaker(MODEL_PORT, len(WORDS), CALM_PER_SECOND) as hurry:
        is_as_promised(await scenarios.everything_restarts(cluster, debates=4, watchers=8, hurry=hurry))
