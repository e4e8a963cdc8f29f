"""An installation with its load: debates that are started in it, and those who watch them."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from benchmarks.cluster import usage
from benchmarks.cluster.counts import Counts
from benchmarks.cluster.load import Load
from benchmarks.cluster.systems import System
from benchmarks.cluster.usage import Used
from benchmarks.delivery.children import Child, child

# The processes that make the load.
STAND_IN, GENERATOR = "stand-in", "generator"
LOADING = frozenset({STAND_IN, GENERATOR, usage.BENCH})
# Starts that are under way at once.
STARTING = 8
ANSWER_SECONDS = 60.0
JOIN_SECONDS = 180.0
# Characters of what a failed process said.
SHOWN = 4_000
# Beyond the time that the load takes where nothing is in its way.
LATE_SECONDS = 240.0


@dataclass(frozen=True)
class Run:
    """The figures of an installation under a load.

    `heard` is the watchers' (pace.py), `used` the processes', `written` the database's (None: not counted), all of the
    time while words were spoken. `starts` in ms: from a debate's row to its run's first event. `memory` in MiB by role,
    when all watch and nobody has spoken yet, and `memory_after`, when all is said."""

    system: str
    load: Load
    heard: Mapping[str, Any]
    used: Used
    written: Counts | None
    starts: Sequence[float]
    memory: Mapping[str, float]
    memory_after: Mapping[str, float]

    @property
    def damage(self) -> int:
        """Tokens that were lost or doubled, and messages that were altered."""
        return int(sum(self.heard[kind] for kind in ("lost", "doubled", "altered", "breaches")))

    @property
    def seconds(self) -> float:
        """From the first token said to the last one heard."""
        return max(0.001, float(self.heard["seconds"]))

    @property
    def fullest(self) -> tuple[str, float]:
        """The server process that took most, and how many cores of it."""
        ours = {name: spent for name, spent in self.used.cpu.items() if name not in LOADING}
        name = max(ours, key=ours.__getitem__)
        return name, ours[name] / self.used.at


class Stage:
    """`model` is the stand-in for a model, which reads commands, one a line."""

    def __init__(self, system: System, model: Child, client: Child) -> None:
        self.system = system
        self.processes = {
            **system.processes,
            STAND_IN: model.usage,
            GENERATOR: client.usage,
        }
        self._model = model
        self._client = client

    def measure(self, load: Load, *, counted: bool = False) -> Run:
        """Start the debates, let all watch, then have the models speak. Raises RuntimeError where not all can begin.

        `counted`: what is written, too, for which PostgreSQL is waited for."""
        self.send_line(f"tokens {load.turn}")
        self.send_line("hold")
        self.forget()
        begun = self.begin(load.debates)
        self.watch(begun, load.watchers)
        starts = self.until_begun(begun)
        before = self.system.ledger.counts() if counted else None
        memory, used = usage.memory(self.processes), self.used()
        self.send_line("open")
        self._client.send_line(f"ended {LATE_SECONDS + load.tokens / load.rate}")
        self._client.answer(LATE_SECONDS * 2 + load.tokens / load.rate)
        used = self.used().since(used)
        memory_after = usage.memory(self.processes)
        written = self.system.ledger.counts().since(before) if before else None
        self._client.send_line(f"figures {load.tokens}")
        heard = self._client.answer(LATE_SECONDS)
        return Run(self.system.name, load, heard, used, written, starts, memory, memory_after)

    def start(self) -> float:
        """Start one debate, at rest, and let it come to its end; how long the start took, in ms."""
        self.send_line("tokens 1")
        self.send_line("open")
        (begun,) = self.begin(1)
        (start,) = self.until_begun([begun])
        self.system.ledger.wait_for_end(begun)
        return start

    def send_line(self, line: str) -> None:
        """Send a command to the stand-in for a model."""
        self._model.send_line(line)
        self._model.answer(ANSWER_SECONDS)

    def begin(self, debates: int) -> list[str]:
        """Start so many, a few at once; their ids."""
        return asyncio.run(self._begin(debates))

    def watch(self, conversations: Sequence[str], watchers: int) -> None:
        """So many more of each; returns once all are there. Raises RuntimeError where they are not."""
        for conversation in conversations:
            self._client.send_line(f"watch {watchers} /ws/conversations/{conversation}/")
        self._client.send_line(f"joined {JOIN_SECONDS}")
        joined = self._client.answer(JOIN_SECONDS * 2)["joined"]
        there = self.watching()
        if not joined or there["open"] < there["watchers"]:
            raise RuntimeError(f"{self.system.name}: not all watchers could join: {there}.")

    def forget(self) -> None:
        """Have nobody watch who has watched so far; they have to be gone."""
        self._client.send_line("begin")

    def watching(self) -> dict[str, Any]:
        """How many are connected, and how often one had to come back."""
        self._client.send_line("count")
        return self._client.answer(ANSWER_SECONDS)

    def until_begun(self, conversations: Sequence[str]) -> list[float]:
        """How long each start took, in ms, once all have."""
        give_up = time.monotonic() + JOIN_SECONDS
        while None in (starts := self.system.ledger.starts(conversations)):
            if time.monotonic() > give_up:
                raise RuntimeError(f"{self.system.name}: {starts.count(None)} debates did not begin.")
            time.sleep(0.2)
        return [start for start in starts if start is not None]

    def used(self) -> Used:
        """CPU up to now."""
        return usage.used(self.processes)

    def memory(self) -> dict[str, float]:
        """MiB by role."""
        return usage.memory(self.processes)

    async def _begin(self, debates: int) -> list[str]:
        places = asyncio.Semaphore(STARTING)
        headers = {"Authorization": f"Bearer {self.system.key}"}
        async with httpx.AsyncClient(
            base_url=self.system.site.url, headers=headers, timeout=ANSWER_SECONDS, trust_env=False
        ) as http:

            async def one(number: int) -> str:
                async with places:
                    body = {"topic": f"Question {number}", "rounds": 1}
                    answer = await http.post("/api/conversations/", json=body)
                return str(answer.raise_for_status().json()["id"])

            return list(await asyncio.gather(*map(one, range(debates))))


@contextmanager
def stage(system: System, model: Child) -> Iterator[Stage]:
    """Its watchers are of one process, which ends with the context."""
    address = urlsplit(system.site.url)
    with _child("client") as client:
        headers = {"Cookie": system.cookies, "Origin": system.site.url}
        client.send_line(json.dumps({"address": [address.hostname, address.port], "headers": headers}))
        yield Stage(system, model, client)
        client.send_line("finish 0")


@contextmanager
def stand_in() -> Iterator[tuple[Child, int]]:
    """The models' provider of all runs, and its port."""
    with _child("stand_in") as model:
        port = urlsplit(model.answer(ANSWER_SECONDS)["provider"].partition("@")[2]).port
        assert port is not None
        yield model, port


@contextmanager
def _child(module: str) -> Iterator[Child]:
    with tempfile.TemporaryDirectory(prefix="outcry-bench-") as folder:
        errors = Path(folder) / f"{module}.log"
        try:
            with child(module, environment=os.environ, errors=errors, package=__package__) as made:
                yield made
        except BaseException as failure:
            if said := errors.read_text()[-SHOWN:]:
                failure.add_note(f"{module} said: {said}")
            raise
