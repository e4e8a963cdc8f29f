"""Server-Sent Events, by a client that was not written here: whole, once, in order, and again from where it stood."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from httpx_sse import ServerSentEvent, aconnect_sse
from pytest_django import Settings

from conversations.domain import transcript
from conversations.domain.enums import Action, Status
from conversations.domain.events import Control
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import Conversation
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import api_keys, debates
from tests.support.frames import fold_frames
from tests.support.recipes import recipe
from tests.support.servers import require
from tests.support.serving import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.anywhere]


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


async def key(owner: User, *scopes: str) -> dict[str, str]:
    _, text = await api_keys.made(owner, *scopes)
    return {"Authorization": f"Bearer {text}"}


def client(site: str, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=site, headers=headers, timeout=PATIENCE_SECONDS)


def address(conversation: Conversation) -> str:
    return f"/api/conversations/{conversation.pk}/stream"


async def read(
    http: httpx.AsyncClient, url: str, until: int | None = None, **how: Any
) -> list[ServerSentEvent]:
    """Every event to the end, or up to the seq `until`."""
    events = []
    async with aconnect_sse(http, how.pop("method", "GET"), url, **how) as stream:
        assert stream.response.status_code == 200
        async for event in stream.aiter_sse():
            events.append(event)
            if until is not None and event.id and int(event.id) >= until:
                break
    return events


def frames(events: list[ServerSentEvent]) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in events]


async def whole(conversation: Conversation) -> None:
    await appender.append(conversation.pk, *debates.every_event())


async def test_every_event_comes_with_its_id_and_its_type(
    alice: User, conversation: Conversation, site: str
) -> None:
    await whole(conversation)
    async with client(site, await key(alice)) as http:
        events = await read(http, address(conversation))
    rows = await debates.rows(conversation)
    hello, *stored = events
    assert (hello.event, hello.retry, frames([hello])[0]["seq"]) == ("hello", 2000, None)
    assert [int(event.id) for event in stored] == [frame["seq"] for frame in frames(stored)]
    assert [event.event for event in stored] == [frame["type"] for frame in frames(stored)]
    assert fold_frames(frames(events)) == transcript.fold(rows)


async def test_an_empty_last_event_id_is_none(alice: User, conversation: Conversation, site: str) -> None:
    await whole(conversation)
    async with client(site, await key(alice)) as http:
        started = await read(http, address(conversation), headers={"Last-Event-ID": ""})
        after = await read(http, f"{address(conversation)}?after=3", headers={"Last-Event-ID": ""})
    assert [[event.id for event in events][1] for events in (started, after)] == ["1", "4"]


async def test_the_headers_keep_proxies_from_holding_it_back(
    alice: User, conversation: Conversation, site: str
) -> None:
    await whole(conversation)
    async with client(site, await key(alice)) as http:
        answer = await http.get(address(conversation))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-outcry-conversation"] == str(conversation.pk)


@pytest.mark.parametrize("by", ["Last-Event-ID", "after", "both"])
async def test_who_comes_back_goes_on_from_the_last_id(
    alice: User, conversation: Conversation, site: str, by: str
) -> None:
    await whole(conversation)
    headers = {} if by == "after" else {"Last-Event-ID": "9"}
    query = {"after": "9"} if by == "after" else {"after": "2"} if by == "both" else {}
    async with client(site, await key(alice)) as http:
        before = await read(http, f"{address(conversation)}?rate=10000", until=9)
        rest = await read(http, address(conversation), headers=headers, params=query)
    assert frames(rest)[0]["data"]["recovered"] is True
    seen = [event for event in before if event.id and int(event.id) <= 9]
    assert fold_frames([*frames(seen), *frames(rest)]) == await debates.state(conversation)


async def test_after_the_end_there_is_nothing_more(
    alice: User, conversation: Conversation, site: str
) -> None:
    await whole(conversation)
    head = (await debates.fresh(conversation)).head
    async with client(site, await key(alice)) as http:
        answer = await http.get(address(conversation), headers={"Last-Event-ID": str(head)})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_one_request_starts_and_streams(alice: User, site: str, openai: OpenAIServer) -> None:
    async with client(site, await key(alice)) as http:
        body = {"topic": "Is gold a hedge?", "rounds": 1}
        events = await read(http, "/api/conversations/stream", method="POST", json=body)
    started = await database.call(Conversation.objects.get)
    assert (started.topic, started.owner_id) == ("Is gold a hedge?", alice.pk)
    assert fold_frames(frames(events)) == await debates.state(started)


# Who may not


@pytest.mark.parametrize(
    ("path", "headers", "status", "field"),
    [
        ("{id}/stream?after=x", {}, 422, "after"),
        ("{id}/stream?after=-1", {}, 422, "after"),
        ("{id}/stream?rate=0", {}, 422, "rate"),
        ("{id}/stream", {"Last-Event-ID": "99999999999999999999"}, 422, "Last-Event-ID"),
        ("{unknown}/stream", {}, 404, None),
        ("nonsense/stream", {}, 404, None),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(
    alice: User,
    conversation: Conversation,
    site: str,
    path: str,
    headers: dict[str, str],
    status: int,
    field: str | None,
) -> None:
    path = path.format(id=conversation.pk, unknown=uuid4())
    async with client(site, await key(alice)) as http:
        answer = await http.get(f"/api/conversations/{path}", headers=headers)
    assert answer.status_code == status
    assert [error["field"] for error in answer.json().get("errors", [])] == ([field] if field else [])


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "invalid"),
        (b"[1]", 422, "invalid"),
        (b'{"topic": ""}', 422, "invalid"),
        (b'{"topic": "x", "rounds": 99}', 422, "invalid"),
        (b'{"topic": "x", "organisation": "f728b4fa-4248-1e3a-8a5d-2f346baa9455"}', 404, "not_found"),
    ],
    ids=["nothing", "a list", "no question", "too many rounds", "an unknown organisation"],
)
async def test_a_wrong_start_stores_nothing(
    alice: User, site: str, content: bytes, status: int, code: str
) -> None:
    async with client(site, await key(alice)) as http:
        answer = await http.post("/api/conversations/stream", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not await database.call(Conversation.objects.exists)


# What is left out


async def test_kinds_that_are_left_out_are_not_taken_for_lost(
    alice: User, conversation: Conversation, site: str, settings: Settings
) -> None:
    left_out = frozenset({"tool_start", "tool_end", "tool_error", "fallback", "token"})
    settings.OUTCRY_EVENTS = {"sse": left_out}
    await whole(conversation)
    async with client(site, await key(alice)) as http:
        events = await read(http, address(conversation))
    assert left_out.isdisjoint(event.event for event in events)
    state = fold_frames(frames(events))
    stored = await debates.state(conversation)
    assert [message["text"] for message in state["messages"] if message["state"] == "done"] == [
        message["text"] for message in stored["messages"] if message["state"] == "done"
    ]
    assert (state["head"], state["tools"]) == (stored["head"], [])


async def test_a_paused_debate_goes_on_on_the_same_stream(
    alice: User, conversation: Conversation, site: str
) -> None:
    async with (
        client(site, await key(alice)) as http,
        aconnect_sse(http, "GET", address(conversation)) as stream,
    ):
        kinds = []
        async for event in stream.aiter_sse():
            kinds.append(event.event)
            if event.event == "hello":
                await appender.append(conversation.pk, Control(action=Action.PAUSE, actor="alice"))
            if event.event == "control":
                await appender.append(conversation.pk, debates.status(Status.CANCELLED))
    assert kinds == ["hello", "status", "control", "status"]


# The recipes of docs/clients.md


async def cooked(site: str, headers: dict[str, str], *command: str) -> str:
    """What the command prints; it has to succeed."""
    key = headers["Authorization"].removeprefix("Bearer ")
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "OUTCRY_URL": site, "OUTCRY_KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_the_recipe_for_curl_works(alice: User, site: str, openai: OpenAIServer) -> None:
    require("curl", "curl")
    told = await cooked(site, await key(alice), "sh", "-c", recipe("curl (events)"))
    assert told.rstrip().splitlines()[-2] == "event: status"
    assert '"status":"completed"' in told


async def test_the_recipe_for_python_works(alice: User, site: str, openai: OpenAIServer) -> None:
    told = await cooked(site, await key(alice), sys.executable, "-c", recipe("httpx-sse (Python)"), "Buy?")
    state = await debates.state(await database.call(Conversation.objects.get))
    assert told == "".join(message["text"] for message in state["messages"])
