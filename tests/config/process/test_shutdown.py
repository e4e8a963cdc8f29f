"""A server that is told to stop while it streams: who watches is sent on at once, and the debate is handed over."""

import asyncio
import http.client
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection
from httpx_sse import aconnect_sse
from websockets.asyncio.client import connect

from config.process import lifespan, shutdown
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import supervisor
from scripts.ports import free_port
from streaming.wire.close_codes import Close
from tests.e2e import programs
from tests.e2e.site import ROOT, running_beside
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.support import api_keys

# For a busy machine.
START_SECONDS = 120.0
# Service Restart: uvicorn's own word to WebSockets.
RESTART = 1012
BUSY_CLIENTS = 8


@asynccontextmanager
async def uvicorn(
    model: OpenAIServer, *options: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """uvicorn's own command over the test's database, as somebody else would start it."""
    port = free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "OUTCRY_PROVIDERS": model.provider,
        "OUTCRY_GRACE_SECONDS": "0",
        "OUTCRY_LOG_LEVEL": "WARNING",
    }
    command = ["-m", "uvicorn", "config.asgi:application", "--port", str(port), *options]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, env=environment)
    try:
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as http:
            while True:
                try:
                    if (await http.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200:
                        break
                except httpx.TransportError:
                    assert process.returncode is None
                    await asyncio.sleep(0.1)
        yield f"127.0.0.1:{port}", process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("options", [(), ("--workers", "2")])
async def test_watchers_of_a_stopping_uvicorn_are_closed_at_once(
    alice: User, openai: OpenAIServer, options: tuple[str, ...]
) -> None:
    gate = Gate()
    # Each time: the other process may take the debate up before it stops, too.
    openai.answer(says("One ", "two.", gate=gate), to="Market Context", times=float("inf"))
    _, text = await api_keys.made(alice)
    headers = {"X-API-Key": text}
    async with (
        uvicorn(openai, *options) as (host, process),
        httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http,
    ):
        asked = {"topic": "Is Tarnwick worth buying?", "rounds": 1}
        address = f"http://{host}/api/conversations/stream"
        async with aconnect_sse(http, "POST", address, json=asked, headers=headers) as stream:
            events = stream.aiter_sse()
            conversation = json.loads((await anext(events)).data)["conversation"]
            async with connect(
                f"ws://{host}/ws/conversations/{conversation}/", additional_headers=headers
            ) as socket:
                await gate.reached(1)
                gate.let()
                async for event in events:
                    if event.event == "token" and json.loads(event.data)["data"]["text"] == "One ":
                        break
                process.send_signal(signal.SIGTERM)
                last = [event async for event in events][-1]
                [*_] = [frame async for frame in programs.frames(socket)]
        assert (last.event, json.loads(last.data)["code"]) == ("closed", Close.RESTART)
        # Whichever comes first.
        assert socket.close_code in {Close.RESTART, RESTART}
        async with asyncio.timeout(PATIENCE_SECONDS):
            # With one process, uvicorn ends by the signal that it was sent.
            assert await process.wait() == (0 if options else -signal.SIGTERM)
    kept = await database.call(Conversation.objects.get)
    assert (kept.status, kept.run, kept.lease_until) == ("active", None, None)


@pytest.fixture
def _as_before() -> Iterator[None]:
    before = {stop: signal.getsignal(stop) for stop in shutdown.STOPS}
    yield
    for stop, taker in before.items():
        signal.signal(stop, taker)


@pytest.mark.usefixtures("_as_before")
async def test_signal_calls_the_work_and_the_previous_handler() -> None:
    told: list[str] = []
    begun = asyncio.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.append("server"))
    server = signal.getsignal(signal.SIGTERM)
    with shutdown.on_signals(begun.set):
        signal.raise_signal(signal.SIGTERM)
        assert told == ["server"]
        await asyncio.wait_for(begun.wait(), PATIENCE_SECONDS)
    assert signal.getsignal(signal.SIGTERM) is server


@pytest.mark.usefixtures("_as_before")
async def test_handler_restored_by_the_server_stays() -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)
    with shutdown.on_signals(lambda: None):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.usefixtures("_as_before")
async def test_signal_without_a_handler_keeps_its_default() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with shutdown.on_signals(lambda: None):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.usefixtures("_as_before")
async def test_signals_are_untouched_outside_the_main_thread() -> None:
    async def hear() -> object:
        with shutdown.on_signals(lambda: None):
            return signal.getsignal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda *_: None)
    assert await asyncio.to_thread(asyncio.run, hear()) is signal.getsignal(signal.SIGTERM)


async def test_end_is_done_once_however_often_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = 0

    async def hand_over() -> None:
        nonlocal ends
        ends += 1

    monkeypatch.setattr(supervisor, "hand_over", hand_over)
    assert lifespan.end() is lifespan.end()
    await lifespan.end()
    assert ends == 1


@pytest.mark.slow
async def test_busy_server_that_stops_answers_open_requests(tmp_path: Path, openai: OpenAIServer) -> None:
    env = {"OUTCRY_PROVIDERS": openai.provider}
    asked: list[float] = []
    unanswered: list[float] = []
    ready = threading.Barrier(BUSY_CLIENTS + 1)

    def visit(url: str) -> None:
        """Ask again and again, until nobody is there."""
        for number in itertools.count():
            if number == 3:
                ready.wait(START_SECONDS)
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=START_SECONDS)
            try:
                connection.request("GET", "/accounts/login/")
                sent = time.monotonic()
                asked.append(sent)
            except OSError:
                return
            try:
                assert connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                unanswered.append(sent)
                return
            finally:
                connection.close()

    with ThreadPoolExecutor(BUSY_CLIENTS) as clients:
        async with running_beside(tmp_path, env) as site:
            loop = asyncio.get_running_loop()
            visits = [loop.run_in_executor(clients, visit, site.url) for _ in range(BUSY_CLIENTS)]
            await asyncio.to_thread(ready.wait, START_SECONDS)
            stopped = time.monotonic()
            site.process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(site.process.wait, START_SECONDS)
            await asyncio.gather(*visits)
    assert code == 0
    assert len(asked) >= 3 * BUSY_CLIENTS
    # What was sent later may have come to nobody.
    assert [sent for sent in unanswered if sent < stopped] == []
