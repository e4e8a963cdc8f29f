"""A key that ends shuts every door that it had opened, also where nobody reads, at the intervals as they are."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from pytest_django import Settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import Conversation
from streaming.transports.openai.request import MODELS
from streaming.watchers import session_guard
from streaming.watchers.registry import registry
from streaming.wire.close_codes import Close
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import api_keys, debates
from tests.support.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)

# The promise is 5 s. Here twelve clients, their server and its database share one busy machine, which may take its
# own time over that; at the intervals alone it would be 4.5 s at most.
SHUT_SECONDS = 8.0
# More than the kernel takes for a client that does not read.
WORDS = "x" * 60_000
TIMES = 100

# Every way to follow a debate: its transport, method, path and body.
DOORS: list[tuple[str, str, str, Any]] = [
    ("sse", "GET", "/api/conversations/{id}/stream", None),
    (
        "openai",
        "POST",
        "/api/v1/chat/completions",
        {
            "model": next(iter(MODELS)),
            "stream": True,
            "messages": [{"role": "user", "content": "Go on."}],
            "metadata": {"conversation": "{id}"},
        },
    ),
    ("agui", "POST", "/ag-ui/", {"threadId": "{id}", "runId": "r", "messages": []}),
    (
        "a2a",
        "POST",
        "/a2a/",
        {"jsonrpc": "2.0", "id": 1, "method": "SubscribeToTask", "params": {"id": "{id}"}},
    ),
    ("a2a", "POST", "/a2a/tasks/{id}:subscribe", None),
]
UPGRADE = (
    "GET {path} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
)


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


async def read(site: str, headers: dict[str, str], method: str, path: str, content: str) -> None:
    """To the end of the response, whichever it is."""
    async with (
        httpx.AsyncClient(base_url=site, headers=headers, timeout=None) as http,
        http.stream(method, path, content=content) as answer,
    ):
        assert answer.status_code == 200
        async for _ in answer.aiter_bytes():
            pass


async def read_socket(site: str, headers: dict[str, str], path: str) -> None:
    url = f"{site.replace('http', 'ws', 1)}{path}"
    async with connect(url, additional_headers=headers, max_size=None) as opened:
        with contextlib.suppress(ConnectionClosed):
            async for _ in opened:
                pass


@contextmanager
def stalled(site: str, request: str) -> Iterator[None]:
    """A client that has asked and never reads."""
    url = httpx.URL(site)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((url.host, url.port))
        client.sendall(request.encode())
        yield


async def until_watched(transports: list[str]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sorted(each.transport for each in registry().watchers.values()) != sorted(transports):
            await asyncio.sleep(0.01)


async def test_a_key_that_is_revoked_is_shut_out_of_every_door_in_time(
    alice: User, conversation: Conversation, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, refused = [0], session_guard.refused

    def looked(watching: Sequence[session_guard.Watching]) -> dict[session_guard.Watching, Close]:
        found = refused(watching)
        looks[0] += 1
        return found

    monkeypatch.setattr(session_guard, "refused", looked)
    key, text = await api_keys.made(alice, "watch")
    id_ = str(conversation.pk)
    headers = {
        "Host": httpx.URL(site).netloc.decode(),
        "Authorization": f"Bearer {text}",
        "A2A-Version": "1.0",
        "Content-Type": "application/json",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    transports = [transport for transport, *_ in DOORS] + ["websocket"]
    reading = []
    with contextlib.ExitStack() as held:
        for _, method, path, body in DOORS:
            at = path.replace("{id}", id_)
            content = "" if body is None else json.dumps(body).replace("{id}", id_)
            reading.append(asyncio.create_task(read(site, headers, method, at, content)))
            asked = f"{method} {at} HTTP/1.1\r\n{lines}Content-Length: {len(content)}\r\n\r\n{content}"
            held.enter_context(stalled(site, asked))
        reading.append(asyncio.create_task(read_socket(site, headers, conversation.ws_url)))
        held.enter_context(stalled(site, UPGRADE.format(path=conversation.ws_url, headers=lines)))
        await until_watched(transports * 2)
        start = debates.message_start(uuid4())
        await appender.append(conversation.pk, start)
        for number in range(TIMES):
            await appender.append(conversation.pk, debates.token(start.message, WORDS, number * len(WORDS)))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                stuck = [each.transport for each in registry().watchers.values() if each.lagging]
                if sorted(stuck) == sorted(transports):
                    break
                await asyncio.sleep(0.01)
        # Right after a look, when the next one is furthest.
        before = looks[0]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while looks[0] == before:
                await asyncio.sleep(0.01)
        async with asyncio.timeout(SHUT_SECONDS):
            await database.call(api_keys.revoke, key)
            while registry().watchers:
                await asyncio.sleep(0.01)
            await asyncio.gather(*reading)
