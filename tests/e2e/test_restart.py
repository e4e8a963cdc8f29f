"""A server that stops sends its watchers away with a code that says so, and they come back without a lost word."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from scripts.ports import free_port
from streaming.wire.close_codes import Close
from tests.e2e import programs
from tests.e2e.conftest import spoken_by
from tests.e2e.site import running_beside
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate
from tests.support.frames import fold_frames

pytestmark = pytest.mark.e2e


async def test_a_stopping_server_sends_its_watchers_away_to_come_back(
    model: OpenAIServer, model_port: int, tmp_path: Path
) -> None:
    gate, port = Gate(), free_port()
    model.answer(says("One ", "two ", "three ", "four.", gate=gate), to="Market Context")
    received: list[dict[str, Any]] = []
    async with running_beside(tmp_path, spoken_by(model_port), port) as site:
        cookies = await asyncio.to_thread(programs.signed_in, site)
        async with programs.socket(site, cookies) as connection:
            await connection.send('{"type": "start", "topic": "Is Tarnwick worth buying?", "rounds": 1}')
            async for frame in programs.frames(connection):
                received.append(frame)
                if frame["type"] == "message_start" and frame["data"]["agent"] == "Market Context":
                    gate.let(2)
                if frame["type"] == "token" and "two" in frame["data"]["text"]:
                    site.process.send_signal(signal.SIGTERM)
        assert connection.close_code == Close.RESTART
    head = max(frame["seq"] or 0 for frame in received)
    gate.open()

    async with running_beside(tmp_path, spoken_by(model_port), port) as site:
        path = f"/ws/conversations/{received[0]['conversation']}/"
        async with programs.socket(site, cookies, f"{path}?after={head}") as connection:
            came_back = [frame async for frame in programs.frames(connection)]
        assert connection.close_code == Close.ENDED
        assert came_back[0]["data"]["recovered"] is True
        async with programs.socket(site, cookies, path) as connection:
            anew = [frame async for frame in programs.frames(connection)]
    state = fold_frames([*received, *came_back])
    assert state == fold_frames(anew)
    assert state["status"] == "completed"


async def test_daphne_serves_and_stops(model: OpenAIServer, model_port: int, tmp_path: Path) -> None:
    gate = Gate()
    model.answer(says("One ", "two.", gate=gate), to="Market Context")
    environment = {**spoken_by(model_port), "OUTCRY_WEB_SERVER": "daphne"}
    async with running_beside(tmp_path, environment) as site:
        cookies = await asyncio.to_thread(programs.signed_in, site)
        async with programs.socket(site, cookies) as connection:
            await connection.send('{"type": "start", "topic": "Is Tarnwick worth buying?", "rounds": 1}')
            async for frame in programs.frames(connection):
                if frame["type"] == "message_start" and frame["data"]["agent"] == "Market Context":
                    gate.let()
                if frame["type"] == "token" and frame["data"]["text"] == "One ":
                    site.process.send_signal(signal.SIGTERM)
        assert connection.close_code == Close.RESTART
        assert await asyncio.to_thread(site.process.wait, 30) == 0
