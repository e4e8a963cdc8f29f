"""Behind a real nginx, by deploy/nginx.conf.template: what passes through it, and that no word is held back."""

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Page, expect
from pytest_django import Settings
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from scripts import proxy
from scripts.ports import free_port
from tests.e2e import programs
from tests.e2e.person import expect_finished, sign_in, start
from tests.e2e.site import Site
from tests.e2e.test_openai import new_key
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.support.servers import folder, require

pytestmark = pytest.mark.e2e

TOPIC = "Is Tarnwick worth buying?"
# From addresses that stand for the internet's.
STRANGER = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "Daphne-Root-Path": "http://evil.example",
}


@contextmanager
def nginx(*upstreams: str, connections: int = 1_000, requests: int = 100) -> Iterator[str]:
    """A real nginx before these addresses; its own address. `connections` and `requests` are the limits of one client's
    address."""
    program = require("nginx", "nginx", "/usr/sbin/nginx")
    address = f"127.0.0.1:{free_port()}"
    with folder("nginx") as place:
        file = place / "nginx.conf"
        limited = proxy.configuration(address, upstreams, place, connections=connections, requests=requests)
        file.write_text(limited)
        server = subprocess.Popen(proxy.command(program, place, file), stderr=subprocess.PIPE, text=True)
        try:
            _until_it_listens(address, server)
            yield f"http://{address}"
        finally:
            server.send_signal(signal.SIGTERM)
            _, said = server.communicate(timeout=PATIENCE_SECONDS)
    assert "[emerg]" not in said
    assert "[alert]" not in said


def _until_it_listens(address: str, server: "subprocess.Popen[str]") -> None:
    host, _, port = address.partition(":")
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        if server.poll() is not None:
            assert server.stderr is not None
            raise RuntimeError(server.stderr.read())


@pytest.fixture
async def through(live_site: Site) -> AsyncIterator[Site]:
    """The live site as it is seen through nginx."""
    with nginx(urlsplit(live_site.url).netloc) as url:
        yield replace(live_site, url=url)


async def test_a_person_signs_in_and_sees_each_word_when_it_is_spoken(
    page: Page, through: Site, model: OpenAIServer
) -> None:
    gate = Gate()
    model.answer(says("One ", "two ", "three.", gate=gate), to="Financial Analyst")
    await sign_in(page, through)
    await start(page, TOPIC, rounds=1)
    said = page.locator('[data-testid="agent-message"][data-agent="Financial Analyst"] .prose')
    for spoken in ("One", "One two"):
        gate.let()
        await expect(said).to_have_text(spoken)
    gate.open()
    await expect_finished(page)


async def test_each_word_of_a_stream_is_passed_on_when_it_is_spoken(
    through: Site, model: OpenAIServer
) -> None:
    gate = Gate()
    model.answer(says("One ", "two ", "three.", gate=gate), to="Financial Analyst")
    key = await asyncio.to_thread(new_key, through)
    heard: list[str] = []
    async with (
        httpx.AsyncClient(
            base_url=through.url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_SECONDS
        ) as client,
        client.stream("POST", "/api/conversations/stream", json={"topic": TOPIC, "rounds": 1}) as answer,
    ):
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers
        gate.let()
        async for line in answer.aiter_lines():
            if line.startswith("data: ") and (event := json.loads(line[6:])).get("type") == "token":
                if event["data"]["message"] and len(heard) < 3:
                    heard.append(event["data"]["text"])
                # The next one is spoken only once this one is here.
                gate.let()
    assert heard == ["One ", "two ", "three."]


async def test_pages_pass_compressed(through: Site) -> None:
    async with httpx.AsyncClient(base_url=through.url) as client:
        answer = await client.get("/accounts/login/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"


async def test_a_socket_passes_and_that_of_a_page_of_another_site_does_not(
    through: Site, model: OpenAIServer
) -> None:
    cookies = await asyncio.to_thread(programs.signed_in, through)
    async with programs.socket(through, cookies) as connection:
        await connection.send(json.dumps({"type": "start", "topic": TOPIC, "rounds": 1}))
        kinds = [frame["type"] async for frame in programs.frames(connection)]
    assert kinds[0] == "hello"
    assert "complete" in kinds
    with pytest.raises(InvalidStatus, match="403"):
        await connect(
            through.url.replace("http", "ws") + "/ws/conversations/",
            additional_headers={"Cookie": cookies},
            origin="http://evil.example",  # type: ignore[arg-type]
        )


async def test_what_is_too_large_is_refused_by_outcry_in_its_own_words(through: Site) -> None:
    key = await asyncio.to_thread(new_key, through)
    async with httpx.AsyncClient(base_url=through.url, headers={"Authorization": f"Bearer {key}"}) as client:
        answer = await client.post("/api/conversations/stream", content=b" " * (8 * 1024 * 1024 + 1))
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"
        # Tables may be larger than everything else.
        damaged = {"file": ("sales.parquet", b"PAR1" + bytes(11 * 1024 * 1024))}
        refused = await client.post("/api/datasets/", files=damaged, timeout=120)
        assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (422, "unreadable")


# Headers to the web processes, and the choice among them


class Upstream:
    """A web process that says yes, or breaks the connection off once it has read the request."""

    def __init__(self, *, breaks_off: bool = False, status: str = "200 OK") -> None:
        self._breaks_off = breaks_off
        self._status = status
        self.asked: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head)
        if not self._breaks_off:
            writer.write(f"HTTP/1.1 {self._status}\r\nContent-Length: 3\r\n\r\nyes".encode())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    def headers(self) -> dict[str, str]:
        """Of the last request, by lower-case name."""
        lines = self.asked[-1].strip().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


class Speaking(Upstream):
    """One that speaks in pieces, each when the one before has been heard. Nothing in its answer says where they end."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = ["one", "two", "three"]
        self.heard = asyncio.Semaphore(0)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for piece in [*self.pieces]:
            writer.write(piece.encode())
            await self.heard.acquire()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def before(*upstreams: Upstream) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an nginx that has these behind it."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(await asyncio.start_server(upstream.answer, "127.0.0.1", 0))
            for upstream in upstreams
        ]
        addresses = ["{}:{}".format(*server.sockets[0].getsockname()) for server in servers]
        url = stack.enter_context(nginx(*addresses))
        yield await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS))


async def test_the_numbers_of_one_process_are_not_shown_to_everybody() -> None:
    upstream = Upstream()
    async with before(upstream) as client:
        assert (await client.get("/metrics")).status_code == 404
        assert not upstream.asked
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "OUTCRY_WEBSOCKET_PATH",
        "OUTCRY_SSE_PATH/7/stream",
        "OUTCRY_SSE_PATH/stream",
        "OUTCRY_OPENAI_PATH/chat/completions",
        "OUTCRY_AGUI_PATH",
        "OUTCRY_A2A_PATH",
        "OUTCRY_A2A_PATH/message:stream",
    ],
)
async def test_what_is_spoken_is_passed_on_piece_by_piece(path: str, settings: Settings) -> None:
    setting, _, rest = path.partition("/")
    upstream = Speaking()
    async with (
        before(upstream) as client,
        client.stream("POST", f"/{getattr(settings, setting)}{rest}", content=b"{}") as answer,
    ):
        async for piece in answer.aiter_text():
            # Until this one has been heard, no other one is spoken.
            upstream.heard.release()
            upstream.pieces.remove(piece)
    assert upstream.pieces == []


async def test_a_client_s_own_word_about_where_it_comes_from_is_not_believed() -> None:
    upstream = Upstream()
    async with before(upstream) as client:
        await client.get("/", headers=STRANGER)
        told = upstream.headers()
        assert told["x-forwarded-for"].split(", ")[-1] == "127.0.0.1"
        assert told["x-forwarded-proto"] == "http"
        assert "x-forwarded-host" not in told
        assert "daphne-root-path" not in told
        assert told["host"] == client.base_url.netloc.decode()


async def test_where_one_breaks_off_a_question_is_asked_again_and_a_command_is_not() -> None:
    broken, sound = Upstream(breaks_off=True), Upstream()
    async with before(broken, sound) as client:
        assert [(await client.get("/")).status_code for _ in range(4)] == [200] * 4
        assert broken.asked
        broken.asked.clear()
        sound.asked.clear()
        answers = [(await client.post("/", content=b"buy")).status_code for _ in range(4)]
        assert sorted(answers) == [200, 200, 503, 503]
        assert len(broken.asked) + len(sound.asked) == 4


async def test_a_page_says_that_no_process_answers() -> None:
    async with before(Upstream(breaks_off=True)) as client:
        page = await client.get("/dashboard")
        assert (page.status_code, page.headers["retry-after"]) == (503, "5")
        assert "Outcry is unavailable" in page.text
        assert (await client.get("/api/conversations/")).status_code == 502


async def test_who_is_restarted_is_not_missed() -> None:
    """The other one answers, and is not passed by because it was away itself a moment before."""
    ports = [free_port(), free_port()]
    with nginx(*(f"127.0.0.1:{port}" for port in ports)) as url:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
            for port in (*ports, *ports):
                upstream = Upstream()
                async with await asyncio.start_server(upstream.answer, "127.0.0.1", port):
                    answers = [(await client.post("/", content=b"buy")).status_code for _ in range(3)]
                assert answers == [200] * 3


async def test_a_script_of_the_other_version_is_found_while_versions_change() -> None:
    old, new = Upstream(status="404 Not Found"), Upstream()
    async with before(old, new) as client:
        found = [(await client.get("/static/assets/live-1a2b3c4d.js")).status_code for _ in range(4)]
        assert found == [200] * 4
        assert old.asked
        assert [(await client.get("/missing")).status_code for _ in range(2)].count(404) == 1


# One address


@asynccontextmanager
async def upstream(answer: bytes) -> AsyncIterator[str]:
    """The address of a server that gives this answer, or holds the connection if it is empty."""
    held: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        if answer:
            writer.write(answer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in held:
            writer.transport.abort()
        server.close()


async def test_connections_of_one_address_are_bounded() -> None:
    async with upstream(b"") as address:
        with nginx(address, connections=2) as url:
            async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False) as http:
                waiting = [asyncio.ensure_future(http.get("/")) for _ in range(3)]
                done, held = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                assert [answer.result().status_code for answer in done] == [429]
                assert len(held) == 2
                for each in held:
                    each.cancel()
                await asyncio.wait(held)


async def test_requests_of_one_address_are_bounded() -> None:
    async with upstream(b"HTTP/1.1 204 No Content\r\n\r\n") as address:
        with nginx(address, requests=1) as url:
            async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False) as http:
                answers = [(await http.get("/")).status_code for _ in range(1_050)]
    assert answers[:1_000] == [204] * 1_000
    assert 429 in answers
