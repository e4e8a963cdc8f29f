"""One debate on each transport: many watchers, and what a token costs there; beside a plain broadcast of them.

The clients read bytes and look for the stamps that the stand-in's tokens are; they decode nothing, so that what is
measured is the server.
"""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from benchmarks.live import TURNS, Meter, program
from tests.e2e.site import ROOT, USERNAME, Site, running

TRANSPORTS = ("websocket", "sse", "openai", "agui", "a2a")
# Nanoseconds of the monotonic clock, in the words of a token.
_STAMP = re.compile(rb"(\d{12,20}) ")
_LONGEST_STAMP = 24


@dataclass(frozen=True)
class Load:
    watchers: int
    rate: float
    tokens: int  # a turn

    @property
    def expected(self) -> int:
        return TURNS * self.tokens


@dataclass
class PartialMessage:
    """The tokens one client has read. Latencies in nanoseconds."""

    seen: set[int] = field(default_factory=set)
    latencies: list[int] = field(default_factory=list)
    octets: int = 0
    joined: int = field(default_factory=time.monotonic_ns)
    _rest: bytes = b""

    def take(self, chunk: bytes) -> None:
        now = time.monotonic_ns()
        self.octets += len(chunk)
        text = self._rest + chunk
        end = 0
        for found in _STAMP.finditer(text):
            stamp, end = int(found[1]), found.end()
            if stamp not in self.seen:
                self.seen.add(stamp)
                if stamp >= self.joined:
                    self.latencies.append(now - stamp)
        # A stamp may be cut by the end of what has come.
        self._rest = text[max(end, len(text) - _LONGEST_STAMP) :]


@dataclass(frozen=True)
class Row:
    """One line of the table. Latencies in milliseconds, CPU in microseconds."""

    name: str
    lost: int
    p50: float
    p95: float
    p99: float
    cpu_us_a_token: float
    octets_a_token: float


def run(load: Load) -> list[Row]:
    """A row for the plain broadcast, and one for each transport."""
    arguments = ["--tokens", str(load.tokens), "--tokens-per-second", str(load.rate), "--stamped"]
    with program("tests.fakes.openai_server", *arguments) as (stand_in, _):
        rows = [asyncio.run(_plain(load, stand_in["url"]))]
        environment = {
            "OUTCRY_PROVIDERS": stand_in["provider"],
            "OUTCRY_START_RATE": "100000/minute",
            "OUTCRY_READ_RATE": "1000000/minute",
            "OUTCRY_MAX_CONNECTIONS_PER_USER": "100000",
            "OUTCRY_LOG_LEVEL": "WARNING",
        }
        with (
            tempfile.TemporaryDirectory(prefix="outcry-bench-") as folder,
            running(Path(folder), environment) as site,
        ):
            key = _key(Path(folder))
            rows += [asyncio.run(_transport_row(load, site, key, transport)) for transport in TRANSPORTS]
    return rows


def show(load: Load, rows: list[Row]) -> None:
    """The rows as a table, with each one's ratio to the first."""
    table = Table(
        title=f"1 debate, {load.watchers} watchers, {load.rate:g} tokens/s, {load.expected} tokens a watcher"
    )
    for title in ("", "lost", "p50 ms", "p95", "p99", "CPU us/token", "octets/token", "CPU to plain"):
        table.add_column(title, justify="right" if title else "left")
    for row in rows:
        table.add_row(
            row.name,
            str(row.lost),
            *(f"{value:.1f}" for value in (row.p50, row.p95, row.p99)),
            f"{row.cpu_us_a_token:.0f}",
            f"{row.octets_a_token:.0f}",
            f"{row.cpu_us_a_token / rows[0].cpu_us_a_token:.2f}x",
        )
    Console(width=130 if not sys.stdout.isatty() else None).print(table)


async def _plain(load: Load, upstream: str) -> Row:
    arguments = ["--upstream", upstream, "--turns", str(TURNS), "--watchers", str(load.watchers)]
    with program("benchmarks.plain", *arguments) as (server, process):
        async with Meter(process) as meter:
            heard = await asyncio.gather(*(_socket(f"{server['url']}/1", {}) for _ in range(load.watchers)))
    return _row("websockets broadcast", load, heard, meter)


async def _transport_row(load: Load, site: Site, key: str, transport: str) -> Row:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=site.url, headers=headers) as http:
        body = {"topic": f"Question by {transport}", "rounds": 1}
        conversation: str = (
            (await http.post("/api/conversations/", json=body)).raise_for_status().json()["id"]
        )
    async with Meter(psutil.Process(site.process.pid)) as meter:
        heard = await asyncio.gather(
            *(_client(site, conversation, headers, transport, number) for number in range(load.watchers))
        )
    return _row(transport, load, heard, meter)


async def _client(
    site: Site, conversation: str, headers: dict[str, str], transport: str, number: int
) -> PartialMessage:
    if transport == "websocket":
        return await _socket(f"{site.url.replace('http', 'ws', 1)}/ws/conversations/{conversation}/", headers)
    method, path, body = _ASKS[transport](conversation, number)
    return await _response(site, method, path, body, headers)


def _sse(conversation: str, _: int) -> tuple[str, str, object]:
    return "GET", f"/api/conversations/{conversation}/stream", None


def _openai(conversation: str, _: int) -> tuple[str, str, object]:
    body = {
        "model": "outcry-financial-debate",
        "stream": True,
        "messages": [{"role": "user", "content": "Go on."}],
        "metadata": {"conversation": conversation},
    }
    return "POST", "/api/v1/chat/completions", body


def _agui(conversation: str, number: int) -> tuple[str, str, object]:
    body = {"threadId": conversation, "runId": f"run-{number}", "messages": [], "tools": [], "context": []}
    return "POST", "/ag-ui/", {**body, "state": {}, "forwardedProps": {}}


def _a2a(conversation: str, number: int) -> tuple[str, str, object]:
    return (
        "POST",
        "/a2a/",
        {"jsonrpc": "2.0", "id": number, "method": "SubscribeToTask", "params": {"id": conversation}},
    )


_ASKS: dict[str, Callable[[str, int], tuple[str, str, object]]] = {
    "sse": _sse,
    "openai": _openai,
    "agui": _agui,
    "a2a": _a2a,
}


async def _socket(url: str, headers: dict[str, str]) -> PartialMessage:
    heard = PartialMessage()
    async with connect(
        url, additional_headers=headers, compression=None, ping_interval=None, open_timeout=60, max_queue=None
    ) as connection:
        async for message in connection:
            heard.take(message.encode() if isinstance(message, str) else message)
    return heard


async def _response(
    site: Site, method: str, path: str, body: object, headers: dict[str, str]
) -> PartialMessage:
    heard = PartialMessage()
    async with _connection(site) as (reader, writer):
        content = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {urlsplit(site.url).netloc}",
            "Accept: text/event-stream",
            "A2A-Version: 1.0",
            "Connection: close",
            *(f"{name}: {value}" for name, value in headers.items()),
            *(["Content-Type: application/json"] if content else []),
            f"Content-Length: {len(content)}",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"{path}: {status.decode()}{(await reader.read()).decode()}")
        while chunk := await reader.read(65_536):
            heard.take(chunk)
    return heard


@contextlib.asynccontextmanager
async def _connection(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def _key(folder: Path) -> str:
    """A key of the site's account, made in its own database."""
    code = (
        "import django; django.setup(); from django.contrib.auth import get_user_model;"
        "from conversations.access import api_keys; from conversations.domain.requests import NewKey;"
        "new = NewKey(name='bench', scopes=['watch', 'start']);"
        f"print(api_keys.create(get_user_model().objects.get(username={USERNAME!r}), new)[1])"
    )
    environment = {
        "OUTCRY_DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return printed.stdout.strip()


def _row(name: str, load: Load, heard: list[PartialMessage], meter: Meter) -> Row:
    latencies = sorted(latency / 1e6 for each in heard for latency in each.latencies)
    return Row(
        name,
        lost=sum(load.expected - len(each.seen) for each in heard),
        p50=latencies[len(latencies) // 2],
        p95=latencies[int(len(latencies) * 0.95)],
        p99=latencies[int(len(latencies) * 0.99)],
        cpu_us_a_token=meter.cpu * 1e6 / load.expected,
        octets_a_token=sum(each.octets for each in heard) / len(heard) / load.expected,
    )
