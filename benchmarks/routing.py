"""What routing and calls of tools cost: answers of the assistant that say the same words at the same pace.

Without: the team is chosen, and the model calls nothing. With: a rule routes the question, and the model calls the
calculator before it speaks. One server answers both, in pairs one after the other. The model says in each sentence when
it sent its last token; a latency is the time from then until a watcher receives it.
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

PAIRS: Final = 5
WITHOUT: Final = {"topic": "What is on your mind?", "panel": "general-assistant"}
WITH: Final = {"topic": SUM, "panel": "auto"}
_SENT: Final = re.compile(r"\b([a-p]{16})\b")


@dataclass(frozen=True)
class Row:
    """Latencies and the time from the start to the first word in milliseconds; tokens a second of an answer; CPU of the
    site."""

    answers: int
    calls: int
    first: float
    p50: float
    p99: float
    tokens_a_second: float
    cpu_us_a_token: float


@dataclass
class Heard:
    """What one watcher has received of one answer; times in nanoseconds."""

    asked: int = field(default_factory=time.monotonic_ns)
    tokens: int = 0
    calls: int = 0
    began: int = 0
    ended: int = 0
    latencies: list[int] = field(default_factory=list)

    def take(self, frame: Mapping[str, Any], now: int) -> None:
        match frame["type"]:
            case "token":
                self.tokens += frame["data"]["token_count"]
                self.began, self.ended = self.began or now, now
                self.latencies += [now - sent_at(word) for word in _SENT.findall(frame["data"]["text"])]
            case "tool_end":
                self.calls += 1


def run(answers: int, rate: float, tokens: int) -> list[tuple[Row, Row]]:
    """Pairs of rows, without routing and calls, and with."""
    arguments = ["--tokens", str(tokens), "--tokens-per-second", str(rate), "--figures", "--calls"]
    with (
        program("tests.fakes.openai_server", *arguments) as (stand_in, _),
        site(answers, stand_in["provider"]) as (url, headers, process),
    ):
        return asyncio.run(_pairs(url, headers, process, answers))


def show(pairs: list[tuple[Row, Row]]) -> None:
    table = Table(title=f"Answers with and without routing and a call; medians of {len(pairs)} pairs")
    for title in ("", "answers", "calls", "first word", "p50", "p99", "tokens/s an answer", "CPU us/token"):
        table.add_column(title, justify="left" if not title else "right")
    for place, name in enumerate(("without", "with")):
        rows = [pair[place] for pair in pairs]
        table.add_row(
            name,
            str(sum(row.answers for row in rows)),
            str(sum(row.calls for row in rows)),
            *(f"{median(getattr(row, name) for row in rows):.0f}" for name in ("first", "p50", "p99")),
            f"{median(row.tokens_a_second for row in rows):.2f}",
            f"{median(row.cpu_us_a_token for row in rows):.0f}",
        )
    measured = ("first", "p50", "p99", "tokens_a_second", "cpu_us_a_token")
    ratios = [
        median(getattr(after, name) / getattr(before, name) for before, after in pairs) for name in measured
    ]
    table.add_row("ratio in a pair", "", "", *(f"{ratio:.2f}x" for ratio in ratios))
    Console(width=120).print(table)


async def _pairs(
    url: str, headers: Mapping[str, str], process: psutil.Process, answers: int
) -> list[tuple[Row, Row]]:
    await warm_up(url, headers)
    # The first of each kind imports what the others find.
    for start in (WITHOUT, WITH):
        await _held(url, headers, process, answers, start)
    return [
        (
            await _held(url, headers, process, answers, WITHOUT),
            await _held(url, headers, process, answers, WITH),
        )
        for _ in range(PAIRS)
    ]


async def _held(
    url: str, headers: Mapping[str, str], process: psutil.Process, answers: int, start: Mapping[str, str]
) -> Row:
    async with Meter(process) as meter:
        heard = await asyncio.gather(*(_watch(url, headers, start) for _ in range(answers)))
    latencies = sorted(each / 1e6 for watcher in heard for each in watcher.latencies)
    return Row(
        answers=answers,
        calls=sum(each.calls for each in heard),
        first=median((each.began - each.asked) / 1e6 for each in heard),
        p50=median(latencies),
        p99=latencies[int(len(latencies) * 0.99)],
        tokens_a_second=median(each.tokens * 1e9 / (each.ended - each.began) for each in heard),
        cpu_us_a_token=meter.cpu * 1e6 / sum(each.tokens for each in heard),
    )


async def _watch(url: str, headers: Mapping[str, str], start: Mapping[str, str]) -> Heard:
    async with opened(f"{url.replace('http', 'ws', 1)}/ws/conversations/", headers, url) as connection:
        heard = Heard()
        await connection.send(json.dumps({"type": "start", "rounds": 1, **start}))
        async for frame in connection:
            now = time.monotonic_ns()
            heard.take(json.loads(frame), now)
    return heard
