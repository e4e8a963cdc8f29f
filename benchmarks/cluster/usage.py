"""CPU and memory of processes by role, including their children, and of this process without them."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import psutil

MIB = 2**20
# This process, which is a part of what makes the load. All the others are its children.
BENCH = "bench"


@dataclass(frozen=True)
class Used:
    """CPU in seconds of one core, by process; `all` is the machine's. Memory is none of it."""

    at: float
    cpu: Mapping[str, float]
    all: float

    def since(self, earlier: "Used") -> "Used":
        """The difference to an earlier reading; `at` is then the time between the two."""
        cpu = {name: seconds - earlier.cpu.get(name, 0.0) for name, seconds in self.cpu.items()}
        return Used(self.at - earlier.at, cpu, self.all - earlier.all)

    @property
    def others(self) -> float:
        """CPU seconds of everything else on the machine."""
        return self.all - sum(self.cpu.values())

    def of(self, role: str) -> float:
        """CPU seconds of all processes of a role: "web" sums web-1 and web-2."""
        return sum(seconds for name, seconds in self.cpu.items() if role_of(name) == role)


def role_of(name: str) -> str:
    """`web` of `web-1`."""
    stem, _, number = name.rpartition("-")
    return stem if number.isdecimal() else name


def used(processes: Mapping[str, psutil.Process]) -> Used:
    """Up to now."""
    times = psutil.cpu_times()
    everything = float(sum(times)) - times.idle - times.iowait - times.guest - times.guest_nice
    cpu = {name: sum(map(_seconds, _tree(process))) for name, process in processes.items()}
    own = psutil.Process().cpu_times()
    cpu[BENCH] = float(own.user + own.system)
    return Used(time.monotonic(), cpu, everything)


def memory(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """MiB by role; what processes share is shared out among them (proportional set size)."""
    found: dict[str, float] = {}
    for name, process in processes.items():
        role = role_of(name)
        found[role] = found.get(role, 0.0) + sum(map(_proportional, _tree(process)))
    return found


def _tree(process: psutil.Process) -> Iterator[psutil.Process]:
    return chain([process], process.children(recursive=True))


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        # Its parent has its time by now.
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _proportional(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / MIB
    except psutil.NoSuchProcess:
        return 0.0
