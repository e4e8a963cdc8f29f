"""What routing and calls of tools cost those who only read.

Answers of the assistant are being spoken. Others start beside them, one after the other: without routing and calls
(the team is chosen, and the model calls nothing), or with (a rule routes the question, and the model calls the
calculator before it speaks). Both say the same words at the same pace, in pairs by one server. The model says in each
sentence when it sent its last token; a latency is the time from then until a watcher of the first answers receives it.
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.live import Meter, opened, program, site, warm_up
from tests.fakes.openai_server import SUM
from tests.fakes.replies import sent_at

PAIRS: Final = 8
WITHOUT: Final = {"topic": "What is on your mind?", "panel": "general-assistant"}
WITH: Final = {"topic": SUM, "panel": "auto"}
# Between the starts of answers beside.
PAUSE_SECONDS: Final = 0.25
_SENT: Final = re.compile(r"\b([a-p]{16})\b")


@dataclass
class Heard:
    """What one watcher has received of one answer; times and latencies in nanoseconds."""

    asked: int = field(default_factory=time.monotonic_ns)
    tokens: int = 0
    calls: int = 0
    first: int = 0
    last: int = 0
    latencies: list[int] = field(default_factory=list)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, frame: Mapping[str, Any], now: int) -> None:
        match frame["type"]:
            case "token":
                self.tokens += frame["data"]["token_count"]
                self.first, self.last = self.first or now, now
                self.latencies += [now - sent_at(word) for word in _SENT.findall(frame["data"]["text"])]
                self.has_begun.set()
            case "tool_end":
                self.calls += 1


@dataclass(frozen=True)
class Held:
    """Answers that were spoken, those that started beside them, and the CPU seconds of the site for both."""

    spoken: list[Heard]
    beside: list[Heard]
    cpu: float


def run(answers: int, rate: float, tokens: int) -> list[tuple[Held, Held]]:
    """Pairs, without routing and calls and with."""
    arguments = ["--tokens", str(tokens), "--tokens-per-second", str(rate), "--figures", "--calls"]
    with (
        program("tests.fakes.openai_server", *arguments) as (stand_in, _),
        site(2 * answers, stand_in["provider"]) as (url, headers, process),
    ):
        return asyncio.run(_pairs(url, headers, process, answers))


def show(pairs: list[tuple[Held, Held]]) -> None:
    table = Table(
        title="Answers while others start beside them; latencies in ms, the first word beside in ms"
    )
    for title in (
        "beside",
        "calls",
        "p50",
        "p95",
        "p99",
        "tokens/s an answer",
        "first word",
        "CPU ms an answer",
    ):
        table.add_column(title, justify="left" if title == "beside" else "right")
    found = [_figures([pair[place] for pair in pairs]) for place in (0, 1)]
    for name, figures in zip(("without", "with"), found, strict=True):
        calls, *rest = figures
        table.add_row(name, f"{calls:.0f}", *(f"{each:.1f}" for each in rest))
    ratios = [f"{after / before:.2f}x" for before, after in zip(found[0][1:], found[1][1:], strict=True)]
    table.add_row("ratio", "", *ratios)
    Console(width=120).print(table)


def _figures(held: list[Held]) -> list[float]:
    """Calls, p50, p95 and p99, tokens a second, the time to the first word, and CPU."""
    spoken = [heard for each in held for heard in each.spoken]
    beside = [heard for each in held for heard in each.beside]
    latencies = sorted(each / 1e6 for heard in spoken for each in heard.latencies)
    return [
        sum(heard.calls for heard in beside),
        *(latencies[int(len(latencies) * share)] for share in (0.5, 0.95, 0.99)),
        median(heard.tokens * 1e9 / (heard.last - heard.first) for heard in spoken),
        median((heard.first - heard.asked) / 1e6 for heard in beside),
        sum(each.cpu for each in held) * 1e3 / (len(spoken) + len(beside)),
    ]


async def _pairs(
    url: str, headers: Mapping[str, str], process: psutil.Process, answers: int
) -> list[tuple[Held, Held]]:
    await warm_up(url, headers)
    # The first of each kind imports what the others find.
    for start in (WITHOUT, WITH):
        await _watch(url, headers, start, Heard())
    pairs = []
    for number in range(PAIRS):
        # Each goes first in every other pair: a machine whose load rises would favour the first.
        order = (WITHOUT, WITH) if number % 2 == 0 else (WITH, WITHOUT)
        held = [await _held(url, headers, process, answers, start) for start in order]
        pairs.append((held[order.index(WITHOUT)], held[order.index(WITH)]))
    return pairs


async def _held(
    url: str, headers: Mapping[str, str], process: psutil.Process, answers: int, start: Mapping[str, str]
) -> Held:
    spoken, beside = ([Heard() for _ in range(answers)] for _ in range(2))
    async with Meter(process) as meter, asyncio.TaskGroup() as group:
        for heard in spoken:
            group.create_task(_watch(url, headers, WITHOUT, heard))
        for heard in spoken:
            await heard.has_begun.wait()
        for heard in spoken:
            # Those are of the rush at the start.
            heard.latencies.clear()
        for heard in beside:
            heard.asked = time.monotonic_ns()
            group.create_task(_watch(url, headers, start, heard))
            await asyncio.sleep(PAUSE_SECONDS)
    return Held(spoken, beside, meter.cpu)


async def _watch(url: str, headers: Mapping[str, str], start: Mapping[str, str], heard: Heard) -> None:
    async with opened(f"{url.replace('http', 'ws', 1)}/ws/conversations/", headers, url) as connection:
        await connection.send(json.dumps({"type": "start", "rounds": 1, **start}))
        async for frame in connection:
            now = time.monotonic_ns()
            heard.take(json.loads(frame), now)
