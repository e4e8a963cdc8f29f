"""docs/protocol.md: each frame that is not in the log stands there as a server sends it."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from pytest_django import Settings
from websockets.asyncio.client import ClientConnection, connect

from conversations.domain.events import Error, EventData
from conversations.models import Conversation
from streaming.watchers.registry import broadcast, registry
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import WIRE_ONLY
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import api_keys
from tests.support.servers import ROOT
from tests.support.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
ASIDE: dict[str, type[EventData]] = {**WIRE_ONLY, "error": Error}
Frame = dict[str, Any]


def examples() -> dict[str, Frame]:
    """What the page shows of each, by its type."""
    section = re.search(r"^## Frames from the server$(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    assert section is not None
    [block] = re.findall(r"^```json\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    shown = [json.loads(line) for line in block.splitlines()]
    return {frame["type"]: frame for frame in shown}


def shape(value: Any) -> Any:
    """Its fields, in their order, and of what kind each value is; ids and times by their form."""
    if isinstance(value, dict):
        return [(name, shape(inner)) for name, inner in value.items()]
    if isinstance(value, str):
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
            return UUID
        return "time" if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", value) else str
    return type(value)


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


@pytest_asyncio.fixture
async def socket(
    alice: User, conversation: Conversation, site: str, settings: Settings
) -> AsyncIterator[ClientConnection]:
    settings.OUTCRY_HEARTBEAT_SECONDS = 0.2
    _, text = await api_keys.made(alice)
    headers = {"Authorization": f"Bearer {text}"}
    url = f"{site.replace('http', 'ws', 1)}{conversation.ws_url}"
    async with connect(url, additional_headers=headers) as opened:
        yield opened


async def heard(socket: ClientConnection, type_: str) -> Frame:
    async for text in socket:
        frame: Frame = json.loads(text)
        if frame["type"] == type_:
            return frame
    raise AssertionError(f"closed with {socket.close_code} before {type_}")


def test_the_page_shows_each_frame_that_is_not_in_the_log() -> None:
    assert examples().keys() == ASIDE.keys()
    for type_, frame in examples().items():
        assert (
            ASIDE[type_].model_validate(frame["data"]).model_dump(mode="json", by_alias=True) == frame["data"]
        )


async def test_each_is_sent_as_it_stands_there(socket: ClientConnection) -> None:
    sent = {"hello": await heard(socket, "hello")}
    await socket.send('{"type": "ping"}')
    sent["pong"] = await heard(socket, "pong")
    await socket.send('{"type": "control", "action": "pause_stream"}')
    sent["stream"] = await heard(socket, "stream")
    await socket.send('{"type": "input", "text": " ", "idempotency_key": "k-1"}')
    sent["error"] = await heard(socket, "error")
    await broadcast("x")
    sent["notice"] = await heard(socket, "notice")
    sent["heartbeat"] = await heard(socket, "heartbeat")
    shown = examples()
    assert {type_: shape(frame) for type_, frame in sent.items()} == {
        type_: shape(shown[type_]) for type_ in sent
    }
    # The sentences, too, and what is wrong.
    assert sent["error"]["data"] == shown["error"]["data"]
    assert sent["stream"]["data"] == shown["stream"]["data"]


async def test_the_last_event_of_a_stream_that_breaks_off_is_as_it_stands_there(
    alice: User, conversation: Conversation, site: str
) -> None:
    _, text = await api_keys.made(alice)
    headers = {"Authorization": f"Bearer {text}"}
    url = f"{site}/api/conversations/{conversation.pk}/stream"
    async with (
        httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as http,
        http.stream("GET", url) as answer,
    ):
        pieces = answer.aiter_text()
        said = await anext(pieces)
        await registry().close_all(Close.RESTART)
        said += "".join([piece async for piece in pieces])
    [shown] = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert said.endswith(f"\n\n{shown}\n")
