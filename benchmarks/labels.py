"""Labels of figures under load: how long after its last token a sentence's labels are stored, and what they cost.

The same debates speak the same sentences at the same pace, first without a record and then with one. The model says in
each sentence when it sent its last token; the label has come when a watcher receives it, which is after it was stored.
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.live import Meter, opened, program, site, warm_up
from tests.fakes.replies import sent_at

RECORD: Final = {"instrument": "AAPL", "as_of": "2012-12-31T23:00:00Z"}
_SENT: Final = re.compile(r"\b([a-p]{16})\b")


@dataclass(frozen=True)
class Row:
    """Latencies of labels in milliseconds, None without a record; tokens a second of a debate; CPU of the site."""

    name: str
    labels: int
    p50: float | None
    p99: float | None
    tokens_a_second: float
    cpu_us_a_token: float


@dataclass
class Heard:
    """What one watcher has received of one debate; times in nanoseconds."""

    texts: dict[str, str] = field(default_factory=dict)
    tokens: int = 0
    began: int = 0
    ended: int = 0
    latencies: list[int] = field(default_factory=list)

    def take(self, frame: Mapping[str, Any], now: int) -> None:
        data = frame["data"]
        match frame["type"]:
            case "token":
                text = self.texts.get(data["message"], "")
                self.texts[data["message"]] = text[: data["offset"]] + data["text"]
                self.tokens += data["token_count"]
                self.began, self.ended = self.began or now, now
            case "figures" if not data["final"]:
                # The sentence's end is the first stamp after its last figure.
                text = self.texts[data["message"]]
                if (sent := _SENT.search(text, data["items"][-1]["end"])) is not None:
                    self.latencies.append(now - sent_at(sent[1]))


def run(debates: int, rate: float, tokens: int) -> list[Row]:
    arguments = ["--tokens", str(tokens), "--tokens-per-second", str(rate), "--figures"]
    with program("tests.fakes.openai_server", *arguments) as (stand_in, _):
        return [
            asyncio.run(_held(name, debates, stand_in["provider"], about))
            for name, about in (("without a record", {}), ("with a record", RECORD))
        ]


def show(rows: list[Row]) -> None:
    table = Table(title="Labels of figures, in ms after the last token of their sentence")
    for title in ("", "labels", "p50", "p99", "tokens/s a debate", "CPU us/token"):
        table.add_column(title, justify="left" if not title else "right")
    for row in rows:
        latencies = ["" if each is None else f"{each:.0f}" for each in (row.p50, row.p99)]
        pace = (f"{row.tokens_a_second:.2f}", f"{row.cpu_us_a_token:.0f}")
        table.add_row(row.name, str(row.labels), *latencies, *pace)
    before, after = rows
    ratio = after.tokens_a_second / before.tokens_a_second
    table.add_row(
        "ratio", "", "", "", f"{ratio:.3f}x", f"{after.cpu_us_a_token / before.cpu_us_a_token:.2f}x"
    )
    Console().print(table)


async def _held(name: str, debates: int, provider: str, about: Mapping[str, str]) -> Row:
    with site(debates, provider) as (url, headers, process):
        await warm_up(url, headers)
        async with Meter(process) as meter:
            heard = await asyncio.gather(*(_watch(url, headers, number, about) for number in range(debates)))
    latencies = sorted(each / 1e6 for watcher in heard for each in watcher.latencies)
    return Row(
        name=name,
        labels=len(latencies),
        p50=median(latencies) if latencies else None,
        p99=latencies[int(len(latencies) * 0.99)] if latencies else None,
        tokens_a_second=median(each.tokens * 1e9 / (each.ended - each.began) for each in heard),
        cpu_us_a_token=meter.cpu * 1e6 / sum(each.tokens for each in heard),
    )


async def _watch(url: str, headers: Mapping[str, str], number: int, about: Mapping[str, str]) -> Heard:
    heard = Heard()
    async with opened(f"{url.replace('http', 'ws', 1)}/ws/conversations/", headers, url) as connection:
        start = {"type": "start", "topic": f"Question {number}", "rounds": 1, **about}
        await connection.send(json.dumps(start))
        async for frame in connection:
            now = time.monotonic_ns()
            heard.take(json.loads(frame), now)
    return heard
