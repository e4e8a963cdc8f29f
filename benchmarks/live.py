"""Live delivery under load: debates at once, watchers each, tokens a second; Outcry beside a plain broadcast."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.watching import Watched, watch
from tests.e2e.site import ROOT, USERNAME, running

TURNS = 3  # a round of the default panel; its Moderator is not streamed


@dataclass(frozen=True)
class Load:
    debates: int
    watchers: int
    rate: float
    tokens: int  # a turn

    @property
    def tokens_a_watcher(self) -> int:
        return TURNS * self.tokens


@dataclass(frozen=True)
class Row:
    """One line of the table. Latencies in milliseconds, memory in MiB, CPU in seconds of one core."""

    name: str
    lost: int
    doubled: int
    altered: int
    p50: float
    p95: float
    p99: float
    worst: float
    tokens_a_frame: float
    cpu: float
    wall: float
    cpu_us_a_token: float
    memory_idle: float
    memory_peak: float


@contextmanager
def program(*arguments: str) -> Iterator[tuple[dict[str, str], psutil.Process]]:
    """A process that says in a line of JSON where it listens."""
    with subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline()), psutil.Process(process.pid)
        finally:
            process.terminate()


class Meter:
    """CPU and peak memory of a process while the context is open."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.idle = self.peak = process.memory_info().rss
        self.cpu = self.wall = 0.0

    async def __aenter__(self) -> "Meter":
        self._began = time.monotonic(), self._seconds()
        self._sampling = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.wall, self.cpu = time.monotonic() - self._began[0], self._seconds() - self._began[1]
        self._sampling.cancel()

    async def _sample(self) -> None:
        while True:
            self.peak = max(self.peak, self._process.memory_info().rss)
            await asyncio.sleep(0.25)

    def _seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def run(load: Load, layer_url: str = "") -> list[Row]:
    """Both servers, one after the other, at the same load from the same stand-in."""
    with program(
        "tests.fakes.openai_server",
        "--tokens",
        str(load.tokens),
        "--tokens-per-second",
        str(load.rate),
        "--stamped",
    ) as (stand_in, _):
        return [
            asyncio.run(_plain(load, stand_in["url"])),
            asyncio.run(_outcry(load, stand_in["provider"], layer_url)),
        ]


async def _plain(load: Load, upstream: str) -> Row:
    arguments = ["--upstream", upstream, "--turns", str(TURNS), "--watchers", str(load.watchers)]
    with program("benchmarks.plain", *arguments) as (server, process):
        async with Meter(process) as meter:
            watched = await asyncio.gather(
                *(
                    _watch_plain(f"{server['url']}/{debate}")
                    for debate in range(load.debates)
                    for _ in range(load.watchers)
                )
            )
    return _row("websockets broadcast", load, watched, meter)


async def _watch_plain(url: str) -> Watched:
    async with opened(url) as connection:
        return await watch(connection)


@contextmanager
def site(
    debates: int, provider: str, layer_url: str = ""
) -> Iterator[tuple[str, dict[str, str], psutil.Process]]:
    """Outcry for so many debates at once: its address, the headers of its account, and its process."""
    environment = {
        "OUTCRY_PROVIDERS": provider,
        "OUTCRY_MAX_RUNNING_PER_USER": str(debates),
        "OUTCRY_START_RATE": "100000/minute",
        "OUTCRY_READ_RATE": "1000000/minute",
        "OUTCRY_MAX_CONNECTIONS_PER_USER": "100000",
        "OUTCRY_LOG_LEVEL": "WARNING",
        "REDIS_URL": layer_url,
    }
    with (
        tempfile.TemporaryDirectory(prefix="outcry-bench-") as folder,
        running(Path(folder), environment) as started,
    ):
        headers = {"Cookie": _session_cookie(Path(folder))}
        yield started.url, headers, psutil.Process(started.process.pid)


async def _outcry(load: Load, provider: str, layer_url: str) -> Row:
    with site(load.debates, provider, layer_url) as (url, headers, process):
        await warm_up(url, headers)
        async with Meter(process) as meter:
            debates = await asyncio.gather(
                *(_debate(url, headers, load.watchers, number) for number in range(load.debates))
            )
    watched = [watcher for debate in debates for watcher in debate]
    return _row("Outcry" + (" with Redis" if layer_url else ""), load, watched, meter)


async def warm_up(url: str, headers: Mapping[str, str]) -> None:
    """Start a debate and cancel it when its first turn begins. The first one waits for the import of AG2 and of the
    providers' libraries: seconds of CPU, which are a start's and no token's."""
    async with opened(f"{url.replace('http', 'ws', 1)}/ws/conversations/", headers, url) as connection:
        await connection.send(json.dumps({"type": "start", "topic": "Warm-up", "rounds": 1}))
        async for text in connection:
            frame = json.loads(text)
            if frame["type"] == "message_start":
                await connection.send(json.dumps({"type": "control", "action": "cancel"}))


async def _debate(url: str, headers: Mapping[str, str], watchers: int, number: int) -> list[Watched]:
    """Started over the socket by its first watcher; the others join as soon as it is there."""
    address = f"{url.replace('http', 'ws', 1)}/ws/conversations/"
    async with opened(address, headers, url) as first:
        await first.send(json.dumps({"type": "start", "topic": f"Question {number}", "rounds": 1}))
        hello = json.loads(await first.recv())
        watched = Watched(joined=time.monotonic_ns())
        joined = [_watch(f"{address}{hello['conversation']}/", headers, url) for _ in range(watchers - 1)]
        return [*await asyncio.gather(watch(first, watched), *joined)]


async def _watch(address: str, headers: Mapping[str, str], origin: str) -> Watched:
    async with opened(address, headers, origin) as connection:
        return await watch(connection)


@asynccontextmanager
async def opened(
    url: str, headers: Mapping[str, str] | None = None, origin: str | None = None
) -> AsyncIterator[ClientConnection]:
    async with connect(
        url,
        additional_headers=headers,
        origin=origin,  # type: ignore[arg-type]
        compression=None,
        ping_interval=None,
        open_timeout=60,
        max_queue=None,
    ) as connection:
        yield connection


def _session_cookie(folder: Path) -> str:
    """A session of the site's account, made in its own database."""
    code = (
        "import django; django.setup(); from django.contrib.auth import get_user_model; from django.test import Client;"
        f"client = Client(); client.force_login(get_user_model().objects.get(username={USERNAME!r}));"
        "print(client.cookies['sessionid'].value)"
    )
    environment = {
        **os.environ,
        "OUTCRY_DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return f"sessionid={printed.stdout.strip()}"


def _row(name: str, load: Load, watched: list[Watched], meter: Meter) -> Row:
    losses = [watcher.lost_and_doubled(load.tokens_a_watcher) for watcher in watched]
    latencies = sorted(latency / 1e6 for watcher in watched for latency in watcher.latencies)
    received = len(latencies)
    return Row(
        name=name,
        lost=sum(lost for lost, _ in losses),
        doubled=sum(doubled for _, doubled in losses),
        altered=sum(watcher.altered for watcher in watched),
        p50=median(latencies),
        p95=latencies[int(received * 0.95)],
        p99=latencies[int(received * 0.99)],
        worst=latencies[-1],
        tokens_a_frame=len(watched) * load.tokens_a_watcher / sum(watcher.frames for watcher in watched),
        cpu=meter.cpu,
        wall=meter.wall,
        cpu_us_a_token=meter.cpu * 1e6 / (load.debates * load.tokens_a_watcher),
        memory_idle=meter.idle / 2**20,
        memory_peak=meter.peak / 2**20,
    )
