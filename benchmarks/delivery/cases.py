"""The cases that the servers are measured in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from benchmarks.delivery.load import Load

PLAIN, OUTCRY = "plain", "outcry"
NAIVE_MEMORY, NAIVE_REDIS, NAIVE_PUBSUB = "naive-memory", "naive-redis", "naive-pubsub"
NAIVE = (NAIVE_MEMORY, NAIVE_REDIS, NAIVE_PUBSUB)
SERVERS: Mapping[str, str] = {
    PLAIN: "websockets broadcast",
    OUTCRY: "Outcry",
    NAIVE_MEMORY: "naive, in memory",
    NAIVE_REDIS: "naive, Redis",
    NAIVE_PUBSUB: "naive, Redis pub/sub",
}


@dataclass(frozen=True)
class Target:
    """The goals for a server: CPU for a delivered token as a multiple of the plain broadcast's, p99 in ms."""

    cpu: float
    p99: float


@dataclass(frozen=True)
class Case:
    """A table: each of `servers` under `load`, and ours again with each number of stalled watchers among the rest."""

    title: str
    load: Load
    servers: tuple[str, ...]
    stalled: tuple[int, ...] = ()
    targets: Mapping[str, Target] | None = None

    def runs(self, seconds: float, wanted: tuple[str, ...]) -> list[tuple[str, Load]]:
        """Every server and its load, in the order of the table's rows."""
        load = replace(self.load, seconds=seconds)
        return [
            (server, replace(load, stalled=stalled))
            for server in self.servers
            if server in wanted
            for stalled in (0, *(self.stalled if server == OUTCRY else ()))
        ]


CASES: Mapping[str, Case] = {
    "fan-out": Case(
        "1,000 watchers of one conversation",
        Load(),
        (PLAIN, OUTCRY, *NAIVE),
        targets={OUTCRY: Target(1.5, 25)},
    ),
    "many": Case(
        "200 conversations, a watcher each", Load(conversations=200, watchers=1), (PLAIN, OUTCRY, *NAIVE)
    ),
    "stalled": Case(
        "1,000 watchers of one conversation, of whom some never read",
        Load(),
        (PLAIN, OUTCRY),
        stalled=(1, 100),
    ),
    "storm": Case(
        "1,000 watchers of one conversation: all leave at once and come back at once with their cursor",
        Load(storm=True),
        (PLAIN, OUTCRY),
    ),
}
