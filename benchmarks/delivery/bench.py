"""Runs the cases, round by round: in a round every server has its turn, so a ratio's two sides are minutes apart."""

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.delivery.cases import CASES, NAIVE_PUBSUB, NAIVE_REDIS, OUTCRY
from benchmarks.delivery.measure import Run, measure
from benchmarks.delivery.table import show
from tests.support import servers


def run(names: Sequence[str], wanted: Sequence[str], seconds: float, rounds: int) -> bool:
    """Print a table for each case. Returns whether every event that Outcry sent arrived complete, once and in order."""
    _allow_many_sockets()
    is_intact = True
    with _redis() as redis:
        possible = tuple(server for server in wanted if redis or server not in (NAIVE_REDIS, NAIVE_PUBSUB))
        for name in names:
            case = CASES[name]
            runs = case.runs(seconds, possible)
            done: list[list[Run]] = []
            for number in range(rounds):
                done.append([])
                for server, load in runs:
                    print(
                        f"{name}, round {number + 1} of {rounds}: {server}, {load.stalled} stalled",
                        flush=True,
                    )
                    done[-1].append(measure(server, load, redis))
            show(case, done)
            is_intact &= not any(run.damage for one in done for run in one if run.server == OUTCRY)
    return is_intact


def _allow_many_sockets() -> None:
    """For the servers and the watchers, too: they inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def _redis() -> Iterator[str]:
    """The URL of a Redis of our own; empty where none is installed."""
    command = servers.find("redis-server", "valkey-server")
    if command is None:
        print("No Redis here: two of the naive servers are left out.")
        yield ""
        return
    with servers.redis_server(command) as url:
        yield url
