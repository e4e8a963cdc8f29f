"""Attacks on one connection to uvicorn, by raw sockets: it is dropped, and honest clients are not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from pytest_django import Settings

from config.management.connection_guards import GuardedWebSocket
from conversations.infrastructure import database
from conversations.models import Conversation
from streaming.watchers.registry import registry
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support.api_keys import made
from tests.support.serving import serving
from tests.support.sockets import _cookie

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /api/conversations/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
# A ping with 125 bytes; its mask is zero, so that the payload is sent as it is.
PING = b"\x89\xfd\0\0\0\0" + b"x" * 125
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    settings.OUTCRY_REQUEST_SECONDS = 0.3
    async with serving(settings) as address:
        yield address


@contextlib.asynccontextmanager
async def connected(site: str) -> AsyncIterator[Connection]:
    url = httpx.URL(site)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def dropped(connection: Connection, drip: bytes = b"") -> None:
    """Send the bytes one at a time, and return once the server has dropped the connection."""
    reader, writer = connection
    dripping = asyncio.ensure_future(_drip(writer, drip))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            with contextlib.suppress(ConnectionError):
                while await reader.read(65_536):
                    pass
    finally:
        dripping.cancel()


async def _drip(writer: asyncio.StreamWriter, text: bytes) -> None:
    while text:
        for byte in text:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("sent", "drip"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (HEAD, b""),
        (HEAD, b"X-A: b\r\n"),
        (POST, b""),
        (POST, b"{"),
        (HEAD + b"\r\n", b"\r\n"),
        (HEAD + b"\r\n" + HEAD, b"X"),
    ],
)
async def test_slow_requests_are_dropped(site: str, sent: bytes, drip: bytes) -> None:
    async with connected(site) as connection:
        connection[1].write(sent)
        await dropped(connection, drip)


async def test_an_endless_head_is_dropped(site: str, settings: Settings) -> None:
    settings.OUTCRY_REQUEST_SECONDS = 600
    async with connected(site) as connection:
        connection[1].write(HEAD + b"X-A: ")
        for _ in range(64):
            connection[1].write(b"b" * 16_384)
        await dropped(connection)


CHUNKED = b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"


@pytest.mark.parametrize("begun", [b"0\r\nX-A: ", b"0\r\n", b"1;"], ids=["trailer", "trailers", "extension"])
async def test_endless_trailers_are_dropped(site: str, settings: Settings, begun: bytes) -> None:
    settings.OUTCRY_REQUEST_SECONDS = 600
    line = b"X-A: b\r\n" if begun == b"0\r\n" else b"b" * 8
    async with connected(site) as connection:
        connection[1].write(CHUNKED + begun)
        for _ in range(64):
            connection[1].write(line * 2_048)
        await dropped(connection)


async def test_trailers_become_no_headers(site: str) -> None:
    """A site behind a proxy believes headers that the proxy has set or removed."""
    async with connected(site) as (reader, writer):
        writer.write(CHUNKED + b"0\r\nHost: evil.example\r\n\r\n")
        # 403: without a CSRF token. With the other host it would be 400.
        assert b" 403 " in await reader.readuntil(b"\r\n")


async def test_a_body_in_small_chunks_is_taken(site: str) -> None:
    async with connected(site) as (reader, writer):
        writer.write(CHUNKED + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
        assert b" 403 " in await reader.readuntil(b"\r\n")


async def test_a_long_answer_and_a_kept_connection_outlive_the_limit(
    site: str, alice: User, conversation: Conversation
) -> None:
    _, key = await made(alice)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=site, headers=headers, trust_env=False) as http:
        path = f"/api/conversations/{conversation.pk}/stream"
        async with http.stream("GET", path) as answer:
            await asyncio.sleep(0.5)
            assert not answer.is_closed
            assert len(registry().watchers) == 1
        assert (await http.get("/healthz")).status_code == 200


# WebSockets


@contextlib.asynccontextmanager
async def socket(site: str, person: User) -> AsyncIterator[Connection]:
    """An open WebSocket that watches nothing, after the server has made its watcher."""
    cookie = await database.call(_cookie, person)
    async with connected(site) as (reader, writer):
        writer.write(
            b"GET /ws/conversations/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Host: " + httpx.URL(site).netloc + b"\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Origin: " + site.encode() + b"\r\nCookie: " + cookie.encode() + b"\r\n\r\n"
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        await until(lambda: len(registry().watchers) == 1)
        yield reader, writer


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_pings_of_a_client_that_does_not_read_do_not_fill_the_memory(
    site: str, alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTCRY_MAX_FRAMES_PER_SECOND = 10**9
    unread: list[int] = []
    answer = GuardedWebSocket.handle_ping

    def answer_and_measure(protocol: GuardedWebSocket) -> None:
        answer(protocol)
        unread.append(protocol.transport.get_write_buffer_size())

    monkeypatch.setattr(GuardedWebSocket, "handle_ping", answer_and_measure)
    async with socket(site, alice) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        with contextlib.suppress(ConnectionError):
            # 50 MB, if the server took them all.
            for _ in range(400):
                writer.write(PING * 1_000)
                await writer.drain()
        await until(lambda: not registry().watchers)
    # What one read brings (256 KiB) may come on top.
    most = settings.OUTCRY_MAX_UNREAD_BYTES
    assert most < max(unread) <= most + 256 * 1024


async def test_a_flood_of_pings_is_dropped(site: str, alice: User) -> None:
    async with socket(site, alice) as connection:
        connection[1].write(PING * 1_000)
        await dropped(connection)
        await until(lambda: not registry().watchers)


async def test_a_websocket_outlives_the_limit_of_its_request(site: str, alice: User) -> None:
    async with socket(site, alice) as (reader, writer):
        await asyncio.sleep(0.5)
        writer.write(PING)
        assert await reader.readexactly(127)


async def test_honest_pings_are_answered(site: str, alice: User) -> None:
    async with socket(site, alice) as (reader, writer):
        writer.write(PING * 100)
        assert await reader.readexactly(127 * 100) == (b"\x8a\x7d" + b"x" * 125) * 100


async def test_a_flood_of_frames_is_closed_with_4429(site: str, alice: User) -> None:
    ping = b'{"type": "ping"}'
    frame = bytes([0x81, 0x80 | len(ping), 0, 0, 0, 0]) + ping
    async with socket(site, alice) as (reader, writer):
        writer.write(frame * 1_000)
        async with asyncio.timeout(PATIENCE_SECONDS):
            received = await reader.read()
    assert (4429).to_bytes(2) in received
    assert received.count(b'"pong"') <= 4 * 50 + 50
