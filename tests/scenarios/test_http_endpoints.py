"""What all streaming endpoints share: who is let in, what is refused before a stream, and that the debate outlives it.

Each endpoint is called as its protocol has it. Its own formats are tested with its transport.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from django.db import OperationalError
from pytest_django import Settings

from conversations.access import lists, permissions, rate_limits
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import debates as services
from streaming.transports.openai.request import MODELS
from streaming.watchers.registry import registry
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.support import debates
from tests.support.api_keys import UNKNOWN, made
from tests.support.serving import serving
from tests.support.sockets import _cookie

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.anywhere]

TOPIC = "Is gold a hedge?"
# Behind it, a session's request has this token in its cookie and its header.
TOKEN = "a" * 32


@dataclass(frozen=True)
class Call:
    """A request by which an endpoint starts a debate, or follows `{id}`."""

    name: str
    path: str
    scopes: tuple[str, ...]
    body: Any = None
    method: str = "POST"
    allowed: str = "POST"
    # Where its error body has the code.
    code_at: tuple[str | int, ...] = ("code",)
    codes: dict[str, str] = field(default_factory=dict)

    async def send(
        self, http: httpx.AsyncClient, conversation: Conversation | None = None, **how: Any
    ) -> httpx.Response:
        return await http.send(self.request(http, conversation, **how))

    def request(
        self, http: httpx.AsyncClient, conversation: Conversation | None = None, **how: Any
    ) -> httpx.Request:
        id_ = "" if conversation is None else str(conversation.pk)
        content = "" if self.body is None else json.dumps(self.body).replace("{id}", id_)
        return http.build_request(
            how.pop("method", self.method),
            self.path.replace("{id}", id_),
            content=how.pop("content", content),
            **how,
        )

    def code(self, answer: httpx.Response) -> str:
        found = answer.json()
        for part in self.code_at:
            found = found[part]
        code = str(found).lower()
        return {theirs: ours for ours, theirs in self.codes.items()}.get(code, code)


def chat(**metadata: str) -> Any:
    messages = [{"role": "user", "content": TOPIC}]
    return {"model": next(iter(MODELS)), "messages": messages, "stream": True, "metadata": metadata}


OPENAI = {"unauthenticated": "invalid_api_key", "too_many_requests": "rate_limit_exceeded"}
MESSAGE = {"messageId": "m-1", "role": "ROLE_USER", "parts": [{"text": TOPIC}, {"data": {"rounds": 1}}]}
RPC = {"jsonrpc": "2.0", "id": 1}
AT_RPC = ("error", "data", 0, "reason")
AT_REST = ("error", "details", 0, "reason")
RUN = {"runId": "r", "state": {}, "tools": [], "context": [], "forwardedProps": {"rounds": 1}}
BOTH = ("watch", "start")
STARTS = [
    Call("sse", "/api/conversations/stream", BOTH, {"topic": TOPIC, "rounds": 1}),
    Call(
        "openai",
        "/api/v1/chat/completions",
        BOTH,
        chat(rounds="1"),
        code_at=("error", "code"),
        codes=OPENAI,
    ),
    Call(
        "agui",
        "/ag-ui/",
        BOTH,
        {"threadId": "t", "messages": [{"id": "u", "role": "user", "content": TOPIC}], **RUN},
    ),
    Call(
        "a2a-rpc",
        "/a2a/",
        BOTH,
        {**RPC, "method": "SendStreamingMessage", "params": {"message": MESSAGE}},
        code_at=AT_RPC,
    ),
    Call(
        "a2a-rest",
        "/a2a/message:stream",
        BOTH,
        {"message": MESSAGE},
        code_at=AT_REST,
        allowed="DELETE, GET, POST",
    ),
]
FOLLOWS = [
    Call("sse", "/api/conversations/{id}/stream", ("watch",), method="GET", allowed="GET"),
    Call(
        "openai",
        "/api/v1/chat/completions",
        ("watch",),
        chat(conversation="{id}"),
        code_at=("error", "code"),
        codes=OPENAI,
    ),
    Call("agui", "/ag-ui/", ("watch",), {"threadId": "{id}", "messages": [], **RUN}),
    Call(
        "a2a-rpc",
        "/a2a/",
        ("watch",),
        {**RPC, "method": "SubscribeToTask", "params": {"id": "{id}"}},
        code_at=AT_RPC,
    ),
    Call("a2a-rest", "/a2a/tasks/{id}:subscribe", ("watch",), code_at=AT_REST, allowed="DELETE, GET, POST"),
]
CALLS = [*STARTS, *FOLLOWS]
POSTS = [call for call in CALLS if call.method == "POST"]


def named(call: Call) -> str:
    return f"{call.name}-{'starts' if 'start' in call.scopes else 'follows'}"


every_call = pytest.mark.parametrize("call", CALLS, ids=named)
every_start = pytest.mark.parametrize("call", STARTS, ids=named)
every_follow = pytest.mark.parametrize("call", FOLLOWS, ids=named)
every_post = pytest.mark.parametrize("call", POSTS, ids=named)


@pytest_asyncio.fixture
async def http(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(settings) as site,
        httpx.AsyncClient(base_url=site, headers={"A2A-Version": "1.0"}, timeout=PATIENCE_SECONDS) as http,
    ):
        yield http


async def bearer(owner: User, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {(await made(owner, *scopes))[1]}"}


async def stored() -> int:
    return await database.call(Conversation.objects.count)


# Who is let in


@every_call
async def test_invalid_credentials_are_401_and_store_nothing(
    alice: User, conversation: Conversation, http: httpx.AsyncClient, call: Call
) -> None:
    _, key = await made(alice)
    credentials: list[list[tuple[str, str]]] = [
        [],
        [("Authorization", f"Bearer {UNKNOWN}")],
        [("X-API-Key", UNKNOWN)],
        [("X-API-Key", key), ("X-API-Key", key)],
    ]
    for headers in credentials:
        answer = await call.send(http, conversation, headers=headers)
        assert (answer.status_code, call.code(answer)) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert await stored() == 1


@every_call
async def test_key_without_a_scope_is_403_and_stores_nothing(
    alice: User, conversation: Conversation, http: httpx.AsyncClient, call: Call
) -> None:
    for missing in call.scopes:
        scopes = {"watch", "start", "control"} - {missing}
        answer = await call.send(http, conversation, headers=await bearer(alice, *scopes))
        assert (answer.status_code, call.code(answer)) == (403, "scope_missing")
        assert missing in answer.text
    assert await stored() == 1


@pytest.mark.parametrize("call", [call for call in FOLLOWS if call.name in {"sse", "openai"}], ids=named)
async def test_foreign_and_unknown_conversations_are_both_404(
    alice: User, bob: User, conversation: Conversation, http: httpx.AsyncClient, call: Call
) -> None:
    foreign = await call.send(http, conversation, headers=await bearer(bob))
    unknown = await call.send(http, Conversation(), headers=await bearer(alice))
    assert (foreign.status_code, call.code(foreign)) == (404, "not_found")
    assert (unknown.status_code, unknown.json()) == (404, foreign.json())


@every_start
async def test_question_without_a_visible_character_is_refused_by_its_field(
    alice: User, http: httpx.AsyncClient, call: Call
) -> None:
    body = json.dumps(call.body).replace(TOPIC, r"\u200b\ufeff\u2060")
    answer = await call.send(http, content=body, headers=await bearer(alice))
    field = {"openai": "messages[0].content: ", "agui": "messages: "}.get(call.name, "topic: ")
    assert field in answer.text
    assert "Enter at least one visible character." in answer.text
    assert await stored() == 0


@every_start
async def test_session_needs_its_csrf_token_to_start(
    alice: User, http: httpx.AsyncClient, openai: OpenAIServer, call: Call
) -> None:
    cookies = {"Cookie": f"{await database.call(_cookie, alice)}; csrftoken={TOKEN}"}
    refused = await call.send(http, headers=cookies)
    assert (refused.status_code, call.code(refused)) == (403, "forbidden")
    assert await stored() == 0
    answer = await call.send(http, headers={**cookies, "X-CSRFToken": TOKEN})
    assert answer.status_code == 200
    assert (await database.call(Conversation.objects.get)).owner_id == alice.pk


async def test_session_follows_without_a_csrf_token(
    alice: User, conversation: Conversation, http: httpx.AsyncClient
) -> None:
    await appender.append(conversation.pk, *debates.every_event())
    answer = await FOLLOWS[0].send(
        http, conversation, headers={"Cookie": await database.call(_cookie, alice)}
    )
    assert answer.status_code == 200


# What is refused


@every_post
async def test_body_of_ten_megabytes_is_413(
    alice: User, conversation: Conversation, http: httpx.AsyncClient, call: Call
) -> None:
    answer = await call.send(http, conversation, headers=await bearer(alice), content=b"x" * 10_000_000)
    assert (answer.status_code, call.code(answer)) == (413, "too_large")
    assert await stored() == 1


@every_call
async def test_other_methods_are_405_and_name_those_allowed(
    alice: User, conversation: Conversation, http: httpx.AsyncClient, call: Call
) -> None:
    for method in ("PUT", "OPTIONS", "HEAD"):
        answer = await call.send(http, conversation, headers=await bearer(alice), method=method)
        assert (answer.status_code, answer.headers["allow"]) == (405, call.allowed)


@every_call
async def test_unknown_host_is_422(
    alice: User, conversation: Conversation, http: httpx.AsyncClient, call: Call
) -> None:
    headers = {**await bearer(alice), "Host": "evil.example"}
    answer = await call.send(http, conversation, headers=headers)
    assert (answer.status_code, call.code(answer)) == (422, "invalid")


@every_call
async def test_http_on_a_site_of_https_is_403(
    alice: User, conversation: Conversation, http: httpx.AsyncClient, call: Call, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = await call.send(http, conversation, headers=await bearer(alice))
    assert (answer.status_code, call.code(answer)) == (403, "https_required")


@every_start
async def test_start_beyond_the_rate_is_429_with_retry_after(
    alice: User, http: httpx.AsyncClient, openai: OpenAIServer, settings: Settings, call: Call
) -> None:
    settings.OUTCRY_START_RATE = "1/minute"
    headers = await bearer(alice)
    assert (await STARTS[0].send(http, headers=headers)).status_code == 200
    answer = await call.send(http, headers=headers)
    assert (answer.status_code, call.code(answer)) == (429, "too_many_requests")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert await stored() == 1


@every_call
async def test_request_beyond_the_reading_rate_is_429_and_starts_nothing(
    alice: User, conversation: Conversation, http: httpx.AsyncClient, settings: Settings, call: Call
) -> None:
    settings.OUTCRY_READ_RATE = "1/minute"
    headers = await bearer(alice)
    rate_limits.read(str(alice.pk))
    answer = await call.send(http, conversation, headers=headers)
    assert (answer.status_code, call.code(answer)) == (429, "too_many_requests")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert await stored() == 1


@every_call
async def test_stream_beyond_the_users_connections_is_429_and_starts_nothing(
    alice: User, conversation: Conversation, http: httpx.AsyncClient, settings: Settings, call: Call
) -> None:
    settings.OUTCRY_MAX_CONNECTIONS_PER_USER = 1
    headers = await bearer(alice)
    path = FOLLOWS[0].request(http, conversation, headers=headers)
    first = await http.send(path, stream=True)
    try:
        answer = await call.send(http, conversation, headers=headers)
        assert (answer.status_code, call.code(answer)) == (429, "limit_reached")
        assert await stored() == 1
    finally:
        await first.aclose()


@every_call
async def test_unavailable_database_is_503_and_starts_nothing(
    alice: User,
    conversation: Conversation,
    http: httpx.AsyncClient,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unavailable(*_: Any) -> None:
        raise OperationalError("secret-detail")

    headers = await bearer(alice)
    monkeypatch.setattr(services, "prepare", unavailable)
    monkeypatch.setattr(permissions, "watch", unavailable)
    monkeypatch.setattr(lists, "visible_to", unavailable)
    answer = await call.send(http, conversation, headers=headers)
    assert (answer.status_code, call.code(answer)) == (503, "log_unavailable")
    assert "secret-detail" not in answer.text
    assert await stored() == 1


# While it streams


@every_start
async def test_words_are_sent_as_they_are_spoken(
    alice: User, http: httpx.AsyncClient, openai: OpenAIServer, call: Call
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    gate.let()
    received, is_open = b"", False
    answer = await http.send(call.request(http, headers=await bearer(alice)), stream=True)
    async for part in answer.aiter_bytes():
        received += part
        if b"One " in received and not is_open:
            # The second word has not been spoken when the first one is here.
            assert b"two." not in received
            gate.open()
            is_open = True
    assert b"two." in received


@every_start
async def test_client_that_leaves_does_not_end_the_debate(
    alice: User, http: httpx.AsyncClient, openai: OpenAIServer, call: Call
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    answer = await http.send(call.request(http, headers=await bearer(alice)), stream=True)
    await anext(answer.aiter_bytes())
    await answer.aclose()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while registry().watchers:
            await asyncio.sleep(0.01)
    gate.open()
    await debates.debates_ended()
    assert (await database.call(Conversation.objects.get)).status == "completed"


@every_follow
async def test_idle_stream_is_kept_alive_with_comments(
    alice: User,
    conversation: Conversation,
    http: httpx.AsyncClient,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comment = b": still here\n"
    for encoder in (
        "sse.endpoint.EventEncoder",
        "openai.encoder.ChunkEncoder",
        "agui.encoder.RunEncoder",
        "a2a.task_response.UpdatesEncoder",
    ):
        monkeypatch.setattr(f"streaming.transports.{encoder}.keepalive", (0.05, comment))
    answer = await http.send(call.request(http, conversation, headers=await bearer(alice)), stream=True)
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for line in answer.aiter_lines():
            if line == ": still here":
                break
    await answer.aclose()
