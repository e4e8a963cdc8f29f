"""The WebSocket by an API key: programs come without a cookie and an Origin, and a key at its end closes it."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from pytest_django import Settings
from websockets.asyncio.client import connect

from conversations.access.principals import Principal
from conversations.domain.enums import Status
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import ApiKey, Conversation
from streaming.watchers import session_guard
from streaming.wire.close_codes import Close
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import debates
from tests.support.api_keys import ENDS, UNKNOWN, expire, made, make, revoke
from tests.support.serving import serving
from tests.support.sockets import Browser, browser, path_of, program

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "/ws/conversations/"


async def stored(conversation: Conversation) -> list[str]:
    return [type_ for _, type_, _ in await debates.rows(conversation)]


def headers_of(tab: Browser) -> list[tuple[bytes, bytes]]:
    return [*(tab.socket.scope["headers"] or ())]


# Coming in


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
async def test_key_in_a_header_is_enough(alice: User, conversation: Conversation, header: str) -> None:
    _, text = await made(alice, "watch")
    await appender.append(conversation.pk, *debates.every_event())
    async with program(text, path_of(conversation), header=header) as opened:
        await opened.until_closed()
    assert opened.closed == Close.ENDED
    rows = [
        (frame["seq"], frame["type"], frame["data"]) for frame in opened.frames if frame["seq"] is not None
    ]
    assert rows == await debates.rows(conversation)


async def test_foreign_debate_closes_with_4404(bob: User, conversation: Conversation) -> None:
    _, text = await made(bob)
    async with program(text, path_of(conversation)) as opened:
        assert await opened.until_closed() == []
    assert opened.closed == Close.NOT_FOUND


@pytest.mark.parametrize("text", [UNKNOWN, "", "x"])
async def test_wrong_key_is_refused_despite_a_valid_cookie(
    alice: User, conversation: Conversation, text: str
) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        headers = [header for header in headers_of(tab) if header[0] in (b"cookie", b"origin")]
    async with program(text, path_of(conversation), more=headers) as opened:
        assert await opened.until_closed() == []
    assert opened.closed == Close.UNAUTHENTICATED


@pytest.mark.parametrize("end", ENDS)
async def test_ended_key_is_refused(
    alice: User, conversation: Conversation, end: Callable[[ApiKey], None]
) -> None:
    key, text = await made(alice)
    await database.call(end, key)
    async with program(text, path_of(conversation)) as opened:
        assert await opened.until_closed() == []
    assert opened.closed == Close.UNAUTHENTICATED


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


# A request to each way in, by HTTP, with the conversation's id in it.
DOORS: dict[str, tuple[str, str, Any]] = {
    "api": ("GET", "/api/conversations/{id}/", None),
    "sse": ("GET", "/api/conversations/{id}/stream", None),
    "sse-start": ("POST", "/api/conversations/stream", {"topic": "Buy?"}),
    "openai": ("GET", "/api/v1/models", None),
    "openai-chat": ("POST", "/api/v1/chat/completions", {"metadata": {"conversation": "{id}"}}),
    "agui": ("POST", "/ag-ui/", {"threadId": "{id}", "runId": "r", "messages": []}),
    "a2a-rpc": ("POST", "/a2a/", {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "{id}"}}),
    "a2a-rest": ("GET", "/a2a/tasks/{id}", None),
}


def twice(header: str, first: str, second: str) -> list[tuple[str, str]]:
    scheme = "Bearer " if header == "Authorization" else ""
    return [(header, f"{scheme}{first}"), (header, f"{scheme}{second}")]


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
@pytest.mark.parametrize("door", DOORS)
async def test_two_keys_in_one_header_match_none(
    alice: User, conversation: Conversation, site: str, door: str, header: str
) -> None:
    _, text = await made(alice)
    method, path, body = DOORS[door]
    content = None if body is None else json.dumps(body).replace("{id}", str(conversation.pk))
    url = site + path.replace("{id}", str(conversation.pk))
    for first in (text, UNKNOWN):
        headers = [*twice(header, first, text), ("Content-Type", "application/json")]
        async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as http:
            answer = await http.request(method, url, content=content)
        assert answer.status_code == 401
    assert await database.call(Conversation.objects.count) == 1


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_two_keys_in_one_header_match_none_by_websocket(
    alice: User, conversation: Conversation, site: str, header: str
) -> None:
    _, text = await made(alice)
    url = f"{site.replace('http', 'ws', 1)}{path_of(conversation)}"
    for first in (text, UNKNOWN):
        async with connect(url, additional_headers=twice(header, first, text)) as socket:
            await socket.wait_closed()
        assert socket.close_code == Close.UNAUTHENTICATED


async def test_key_in_the_address_is_ignored(alice: User, conversation: Conversation) -> None:
    _, text = await made(alice)
    for name in ("key", "token", "api_key", "authorization"):
        async with browser(None, f"{path_of(conversation)}?{name}={text}") as tab:
            await tab.until_closed()
        assert tab.closed == Close.UNAUTHENTICATED
        async with browser(None, f"{path_of(conversation)}?{name}={text}", origin=None, accepted=False):
            pass


async def test_without_a_key_the_sites_origin_is_required(alice: User, conversation: Conversation) -> None:
    for origin in ("https://evil.example", None):
        async with browser(alice, path_of(conversation), origin=origin, accepted=False):
            pass
    async with browser(alice, path_of(conversation), origin="https://evil.example", accepted=False) as tab:
        headers = [header for header in headers_of(tab) if header[0] != b"host"]
    # A browser that knows a password for the host sends that along, whatever page asks.
    from channels.testing import WebsocketCommunicator

    from config.asgi import application

    basic = [(b"host", b"localhost"), (b"authorization", b"Basic YTpi"), *headers]
    connected, _ = await WebsocketCommunicator(application, path_of(conversation), headers=basic).connect()
    assert not connected


# Scopes


async def test_watching_requires_its_scope(alice: User, conversation: Conversation) -> None:
    _, text = await made(alice, "start", "control")
    async with program(text, path_of(conversation)) as opened:
        [frame] = await opened.until_closed()
    assert (frame["type"], frame["data"]["code"]) == ("error", "scope_missing")
    assert "watch" in frame["data"]["message"]
    assert opened.closed == Close.FORBIDDEN


@pytest.mark.parametrize(
    "frame",
    [{"type": "control", "action": "pause"}, {"type": "input", "text": "And debt?"}],
    ids=lambda frame: frame["type"],
)
async def test_commands_and_input_require_their_scope(
    alice: User, conversation: Conversation, frame: dict[str, Any]
) -> None:
    _, lacking = await made(alice, "watch", "start")
    async with program(lacking, path_of(conversation)) as opened:
        await opened.until("status", status="queued")
        await opened.send(json.dumps({**frame, "idempotency_key": "k"}))
        refused = await opened.until("error")
        assert refused["data"]["code"] == "scope_missing"
        assert refused["data"]["idempotency_key"] == "k"
        assert "control" in refused["data"]["message"]
        # It watches on, and may hold what is its own.
        await opened.send(type="control", action="pause_stream")
        await opened.until("stream", state="paused")
    assert await stored(conversation) == ["status"]
    _, fitting = await made(alice, "watch", "control")
    async with program(fitting, path_of(conversation)) as opened:
        await opened.send(json.dumps(frame))
        await opened.until({"control": "control", "input": "human_message"}[frame["type"]])


@pytest.mark.parametrize(("scopes", "missing"), [(["watch", "control"], "start"), (["start"], "watch")])
async def test_starting_requires_its_scope_and_watch(alice: User, scopes: list[str], missing: str) -> None:
    _, text = await made(alice, *scopes)
    async with program(text, NEW) as opened:
        await opened.send(type="start", topic="Buy?", rounds=1)
        refused = await opened.until("error", code="scope_missing")
    assert missing in refused["data"]["message"]
    assert await database.call(Conversation.objects.count) == 0


async def test_program_starts_a_debate_and_watches_it(alice: User, openai: OpenAIServer) -> None:
    _, text = await made(alice, "start", "watch")
    async with program(text, NEW) as opened:
        await opened.send(type="start", topic="Buy?", rounds=1)
        await opened.until("status", status="completed")
        await opened.until_closed()
    conversation = await database.call(Conversation.objects.get)
    assert (conversation.owner_id, opened.closed) == (alice.pk, Close.ENDED)


# Ends


@pytest.mark.parametrize("end", ENDS)
async def test_key_that_ends_closes_its_stream(
    alice: User, bob: User, conversation: Conversation, settings: Settings, end: Callable[[ApiKey], None]
) -> None:
    settings.OUTCRY_HEARTBEAT_SECONDS = 0.2  # how often keys are looked at, too
    key, text = await made(alice, "watch")
    async with program(text, path_of(conversation)) as opened:
        await opened.until("status", status="queued")
        await opened.until("heartbeat")
        await database.call(end, key)
        await opened.until_closed()
    assert opened.closed == Close.UNAUTHENTICATED


async def test_command_by_an_ended_key_is_refused(alice: User, conversation: Conversation) -> None:
    key, text = await made(alice)
    async with program(text, path_of(conversation)) as opened:
        await opened.until("status", status="queued")
        await database.call(revoke, key)
        await opened.send(type="control", action="cancel")
        await opened.until_closed()
    assert opened.closed == Close.UNAUTHENTICATED
    assert await stored(conversation) == ["status"]


def test_ended_key_of_several_is_refused_alone(alice: User, bob: User, conversation: Conversation) -> None:
    key, _ = make(alice)
    other, _ = make(alice)
    reader, _ = make(bob)
    watching = [
        (Principal(key.owner, key.pk, stamp=key.digest), conversation.pk) for key in (key, other, reader)
    ]
    assert session_guard.refused(watching) == {watching[2]: Close.FORBIDDEN}
    expire(key)
    assert session_guard.refused(watching) == {
        watching[0]: Close.UNAUTHENTICATED,
        watching[2]: Close.FORBIDDEN,
    }


async def test_stream_by_key_outlives_a_new_password(
    alice: User, conversation: Conversation, settings: Settings
) -> None:
    """The key was not made from it, and is ended by itself."""
    settings.OUTCRY_HEARTBEAT_SECONDS = 0.2
    _, text = await made(alice, "watch")
    async with program(text, path_of(conversation)) as opened:
        await opened.until("heartbeat")
        alice.set_password("another-one-altogether")
        await database.call(alice.save)
        for _ in range(4):
            await opened.until("heartbeat")
        await appender.append(conversation.pk, debates.status(Status.CANCELLED))
        await opened.until_closed()
    assert opened.closed == Close.ENDED
