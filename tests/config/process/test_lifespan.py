"""What begins and ends with a serving process: under uvicorn, by the ASGI lifespan."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from django.contrib.auth.models import User
from pytest_django import Settings
from websockets.asyncio.client import connect

from config.management.servers import Server
from config.process import lifespan
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.privacy import housekeeping
from scripts.ports import free_port
from streaming.watchers.registry import registry
from streaming.wire.close_codes import Close
from tests.e2e import programs
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.support import debates
from tests.support.sockets import _cookie

pytestmark = pytest.mark.django_db(transaction=True)

# Service Restart: uvicorn's own word, said before our lifespan is asked to end.
RESTART = 1012


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """The real application on uvicorn, in this event loop; stopped at the end."""
    from config.asgi import application

    port = free_port()
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    config = uvicorn.Config(
        application, port=port, log_config=None, lifespan="on", timeout_graceful_shutdown=5
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.started:
            await asyncio.sleep(0)
    try:
        yield f"127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        await task


async def test_debates_are_adopted_at_start_and_handed_over_at_end(
    alice: User, openai: OpenAIServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The settings of a process that serves are not those of one that tests.
    monkeypatch.setattr("config.process.lifespan.settle", lambda: None)
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Market Context")
    conversation = await database.call(debates.create, alice)
    cookie = await database.call(_cookie, alice)
    async with serving(settings) as (host, server):
        async with connect(
            f"ws://{host}{conversation.ws_url}",
            additional_headers={"Cookie": cookie},
            origin=f"http://{host}",  # type: ignore[arg-type]
        ) as watcher:
            async for frame in programs.frames(watcher):
                if frame["type"] == "message_start" and frame["data"]["agent"] == "Market Context":
                    gate.let()
                if frame["type"] == "token" and frame["data"]["text"] == "One ":
                    server.should_exit = True
        assert watcher.close_code == RESTART
    kept = await debates.fresh(conversation)
    assert (kept.status, kept.run, kept.lease_until) == ("active", None, None)
    assert await database.call(Conversation.objects.running().count) == 1


async def test_a_process_that_runs_debates_keeps_house(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.process.lifespan.settle", lambda: None)
    settings.OUTCRY_PROVIDERS = ["demo"]
    async with serving(settings):
        assert len(housekeeping.tasks.here()) == 1
    assert housekeeping.tasks.here() == []


async def test_failed_step_of_the_end_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    async def fails() -> None:
        done.append("hand_over")
        raise OSError("no")

    async def works(*_: object) -> None:
        done.append("outbox")

    monkeypatch.setattr("conversations.runs.supervisor.hand_over", fails)
    monkeypatch.setattr("conversations.outbox.sender.end", works)
    await lifespan.end()
    assert done == ["hand_over", "outbox"]
    # Nobody may join any more.
    assert registry().closing is Close.RESTART
