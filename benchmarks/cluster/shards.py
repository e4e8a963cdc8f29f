"""The channel layer: Redis's pub/sub, over one server or two, and the layer that was not chosen."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import psutil

from benchmarks.cluster import figures, systems
from benchmarks.cluster.figures import CORES, LATENESS
from benchmarks.cluster.load import Load
from benchmarks.cluster.stage import Run, stage
from benchmarks.cluster.table import Columns, table
from benchmarks.delivery.children import Child
from scripts import programs
from scripts.cluster import Cluster
from tests.support import servers

PUBSUB = "channels_redis.pubsub, one Redis"
CORE = "channels_redis.core, one Redis"
SHARDED = "channels_redis.pubsub, two Redis"
# Its settings, but for the layer, are Outcry's.
_CORE_SETTINGS = "benchmarks.cluster.core_settings"


def layers(made: Cluster, model: Child, load: Load) -> Iterator[Run]:
    """The same load with each layer. The cluster's processes are left with the first one's settings."""
    ours = [*made.web, *made.worker]
    yield _measured(made, model, load, PUBSUB)
    systems.restart(ours, DJANGO_SETTINGS_MODULE=_CORE_SETTINGS)
    yield _measured(made, model, load, CORE)
    with _redis() as (url, server):
        urls = f"{made.redis_url},{url}"
        systems.restart(ours, DJANGO_SETTINGS_MODULE="config.settings", OUTCRY_CHANNEL_REDIS_URLS=urls)
        yield _measured(made, model, load, SHARDED, server)
        systems.restart(ours, OUTCRY_CHANNEL_REDIS_URLS=made.redis_url)


def tables(runs: Sequence[Run]) -> list[str]:
    """A line for each layer."""
    columns: Columns[Run] = [
        ("layer", lambda run: run.system),
        *LATENESS,
        ("tokens a frame", figures.heard("tokens_a_frame")),
        ("lost, doubled, altered", figures.received),
        ("CPU us/token", figures.cpu_a_token()),
        *figures.by_role(figures.cpu_a_token),
        *CORES,
    ]
    return [table(columns, runs)]


def _measured(made: Cluster, model: Child, load: Load, name: str, *more: psutil.Process) -> Run:
    system = systems.seen(made, name)
    others = {f"redis-{number + 2}": process for number, process in enumerate(more)}
    with stage(replace(system, processes={**system.processes, **others}), model) as staged:
        return staged.measure(load)


@contextmanager
def _redis() -> Iterator[tuple[str, psutil.Process]]:
    """A second server that keeps nothing, and where it is."""
    command = programs.REDIS.find()
    assert command is not None
    with servers.redis_server(command) as url:
        (server,) = (
            process
            for process in psutil.Process().children()
            if url.rpartition(":")[2].partition("/")[0] in " ".join(process.cmdline())
        )
        yield url, server
