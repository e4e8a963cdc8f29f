"""One run: a server, its watchers, and what it took."""

import json
import os
import queue
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from benchmarks.delivery.cases import NAIVE, NAIVE_MEMORY, OUTCRY, PLAIN
from benchmarks.delivery.children import Child, child, peak_memory
from benchmarks.delivery.load import Load

START_SECONDS = 120.0
JOIN_SECONDS = 60.0
# Tokens that have not arrived so long after the last one was due count as lost.
LATE_SECONDS = 10.0
# Ours has to be complete in the end, however long a crowded machine makes it: a connection that could not be taken at
# once in a storm is tried again after longer and longer times.
OUR_LATE_SECONDS = 60.0
CLOSE_SECONDS = 15.0
# To look into what was received.
JUDGE_SECONDS = 180.0
SHOWN = 4_000  # characters of a failed process' complaints


@dataclass(frozen=True)
class Run:
    """The figures of a server under a load. Latencies and times in ms, CPU in seconds of one core, memory in bytes.
    `others_cpu` is what everything else on the machine took: with little left, all figures are the machine's.

    `watched` is what the watchers received (result.py), `behind` how late the tokens were made at
    worst (null: not all were made in time), `reads` how
    often the log was read, `complaints` what the server wrote to stderr."""

    server: str
    load: Load
    watched: Mapping[str, Any]
    behind: float | None
    cpu: float
    client_cpu: float
    others_cpu: float
    wall: float
    memory_idle: int
    memory_peak: int
    reads: int | None
    complaints: str = ""

    @property
    def damage(self) -> int:
        return int(sum(self.watched[kind] for kind in ("lost", "doubled", "altered", "breaches")))

    @property
    def cpu_us_a_delivery(self) -> float:
        return self.cpu * 1e6 / max(1, int(self.watched["delivered"]))


def measure(server: str, load: Load, redis: str) -> Run:
    """Raises RuntimeError with what the processes complained of when one of them fails."""
    with tempfile.TemporaryDirectory(prefix="outcry-bench-") as folder:
        module, *arguments = _command(server, load, redis)
        environment = _environment(folder, load)
        complaints = [Path(folder) / "server.log", Path(folder) / "client.log"]
        try:
            with (
                child(module, *arguments, environment=environment, errors=complaints[0]) as serving,
                child("client", load.dump(), environment=environment, errors=complaints[1]) as client,
            ):
                client.send_line(json.dumps(serving.answer(START_SECONDS)))
                run = _run(server, load, serving, client)
        except (RuntimeError, queue.Empty) as failure:
            said = "\n".join(file.read_text()[-SHOWN:] for file in complaints)
            raise RuntimeError(f"{server} could not be measured: {failure!r}\n{said}") from None
        return replace(run, complaints=complaints[0].read_text())


def _run(server: str, load: Load, serving: Child, client: Child) -> Run:
    joined, _ = _settled(client, JOIN_SECONDS)
    if not joined:
        raise RuntimeError(f"{server}: not all watchers could join.")
    idle = serving.usage.memory_info().rss
    began, cpu, client_cpu, all_cpu = time.monotonic(), serving.cpu(), client.cpu(), _all_cpu()
    with peak_memory(serving.usage) as peak:
        serving.send_line("begin")
        if load.storm:
            time.sleep(load.seconds / 2)
            client.send_line("storm")
        late = LATE_SECONDS if server in NAIVE else OUR_LATE_SECONDS
        deadline = began + load.seconds + late
        said = _said(serving, deadline - time.monotonic())
        is_complete, quiet = _settled(client, max(0.0, deadline - time.monotonic()))
        wall = time.monotonic() - began - quiet
        cpu, client_cpu, all_cpu = serving.cpu() - cpu, client.cpu() - client_cpu, _all_cpu() - all_cpu
    counted: Mapping[str, int] = {}
    is_complete = is_complete and said is not None
    if is_complete:
        serving.send_line("end")
        counted = serving.answer(LATE_SECONDS)
    client.send_line(f"finish {CLOSE_SECONDS if is_complete else 0}")
    return Run(
        server=server,
        load=load,
        watched=client.answer(CLOSE_SECONDS + JUDGE_SECONDS),
        behind=said["behind_ms"] if said is not None else None,
        cpu=cpu,
        client_cpu=client_cpu,
        others_cpu=all_cpu - cpu - client_cpu,
        wall=wall,
        memory_idle=idle,
        memory_peak=peak[0],
        reads=counted.get("reads"),
    )


def _all_cpu() -> float:
    """Seconds of all cores that were not idle, up to now."""
    times = psutil.cpu_times()
    return float(sum(times)) - times.idle - times.iowait - times.guest - times.guest_nice


def _said(serving: Child, seconds: float) -> dict[str, Any] | None:
    """None where the server does not come to an end in that time."""
    try:
        return serving.answer(seconds)
    except queue.Empty:
        return None


def _settled(client: Child, seconds: float) -> tuple[bool, float]:
    """Whether no more comes, and for how long nothing has."""
    client.send_line(f"settle {seconds}")
    answer = client.answer(seconds + LATE_SECONDS)
    return answer["settled"], answer["quiet"]


def _command(server: str, load: Load, redis: str) -> tuple[str, ...]:
    if server == PLAIN:
        return "plain_server", load.dump()
    if server == OUTCRY:
        return "outcry_server", load.dump()
    return "naive_server", load.dump(), server, *(() if server == NAIVE_MEMORY else (redis,))


def _environment(folder: str, load: Load) -> dict[str, str]:
    return {
        **os.environ,
        "OUTCRY_DATA_DIR": folder,
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "OUTCRY_LOG_LEVEL": "WARNING",
        "OUTCRY_MAX_RUNNING_PER_USER": str(load.conversations),
        "OUTCRY_READ_RATE": "1000000/minute",
        "OUTCRY_MAX_CONNECTIONS_PER_USER": "100000",
        # No model speaks here.
        "OUTCRY_PROVIDERS": "demo",
    }
