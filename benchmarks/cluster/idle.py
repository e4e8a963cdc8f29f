"""Watchers to whom nothing is said: what each of them takes."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.cluster import figures
from benchmarks.cluster.stage import LOADING, Stage
from benchmarks.cluster.systems import PROCESS
from benchmarks.cluster.table import Columns, number, table
from benchmarks.cluster.usage import Used

# Debates in which the models are silent, which the watchers share.
DEBATES = 50


@dataclass(frozen=True)
class Rest:
    """`added` in MiB by role, since there were no watchers; `used` of the time in which nothing was said. `joining`:
    seconds until all who are new here were connected, of whom so many had to `come_back`; `stayed`: nobody has left
    since."""

    system: str
    watchers: int
    memory: Mapping[str, float]
    added: Mapping[str, float]
    used: Used
    joining: float
    come_back: int
    stayed: bool


def rests(stage: Stage, counts: Iterable[int], seconds: float) -> list[Rest]:
    """For each number of watchers, in ascending order, what they take at rest, measured over so many seconds.

    The debates go on when this ends: the installation is not for anything else then."""
    stage.send_line("hold")
    stage.forget()
    conversations = stage.begin(DEBATES)
    stage.until_begun(conversations)
    nobody = stage.memory()
    found: list[Rest] = []
    for count in (0, *counts):
        began = time.monotonic()
        if more := count - (found[-1].watchers if found else 0):
            stage.watch(conversations, more // DEBATES)
        joining, come_back = time.monotonic() - began, stage.watching()["returns"]
        before = stage.used()
        time.sleep(seconds)
        used, memory = stage.used().since(before), stage.memory()
        watching = stage.watching()
        added = {role: mib - nobody[role] for role, mib in memory.items()}
        stayed = watching["open"] == count and watching["returns"] == come_back
        found.append(Rest(stage.system.name, count, memory, added, used, joining, come_back, stayed))
    return found


def tables(rests: Sequence[Rest]) -> list[str]:
    """Memory and CPU, a line for each number of watchers."""
    roles = ("serve", *figures.ROLES)
    ordered = sorted(rests, key=lambda rest: (rest.watchers, rest.system != PROCESS))
    memory: Columns[Rest] = [
        *_NAMES,
        ("connected in s", lambda rest: number(rest.joining) if rest.watchers else "–"),
        ("came back", lambda rest: f"{rest.come_back:,}"),
        ("all stayed", lambda rest: "yes" if rest.stayed else "**no**"),
        ("servers' memory MiB", lambda rest: number(_servers(rest.memory))),
        ("KiB a watcher", lambda rest: number(_each(_servers(rest.added) * 1024, rest))),
        *((figures.TITLES.get(role, role), _memory(role)) for role in roles),
    ]
    cpu: Columns[Rest] = [
        *_NAMES,
        ("servers' cores", lambda rest: number(_cores(rest, *roles))),
        *((figures.TITLES.get(role, role), _core(role)) for role in roles),
        ("us a watcher and second", lambda rest: number(_each(_cores(rest, *roles) * 1e6, rest))),
    ]
    return [table(memory, ordered), table(cpu, ordered)]


_NAMES: Columns[Rest] = [
    ("watchers", lambda rest: f"{rest.watchers:,}"),
    ("where", lambda rest: rest.system),
]


def _each(value: float, rest: Rest) -> float | None:
    return value / rest.watchers if rest.watchers else None


def _servers(memory: Mapping[str, float]) -> float:
    return sum(mib for role, mib in memory.items() if role not in LOADING)


def _cores(rest: Rest, *roles: str) -> float:
    return sum(map(rest.used.of, roles)) / rest.used.at


def _memory(role: str) -> Callable[[Rest], str]:
    return lambda rest: number(_each(rest.added[role] * 1024, rest) if role in rest.added else None)


def _core(role: str) -> Callable[[Rest], str]:
    return lambda rest: number(_cores(rest, role) if role in rest.added else None)
