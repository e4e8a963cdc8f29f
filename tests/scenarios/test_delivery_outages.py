"""The database or Redis goes away under watchers: they are told, lose nothing, and are sent away for nothing."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import AsyncClient
from pytest_django import Settings

from conversations.access import permissions, second_factor
from conversations.domain.enums import Mode, Status
from conversations.domain.events import HumanMessage
from conversations.event_log import appender as log
from conversations.event_log import notifier, queries, wakeups
from conversations.infrastructure import availability, database
from conversations.models import Conversation
from conversations.runs import supervisor
from reliability.chaos import stores
from streaming.hub import log_pages, reader
from streaming.hub.subscription import follow
from streaming.watchers import registry
from streaming.wire.close_codes import Close
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate, Signal
from tests.support import debates
from tests.support.clock import settled
from tests.support.outages import Disk, Line, Outage
from tests.support.sockets import Browser, browser, path_of
from tests.support.watchers import Line as Tab
from tests.support.watchers import watching

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(log_pages, "SLOW_QUERY_SECONDS", 0.2)
    monkeypatch.setattr(registry, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(registry, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(log, "SLOW_COMMIT_SECONDS", 0.1)


def said(number: int) -> HumanMessage:
    return HumanMessage(author="alice", text=str(number))


async def signed_in(person: User) -> AsyncClient:
    client = AsyncClient(raise_request_exception=False)
    await client.aforce_login(person)
    return client


def states(tab: Browser) -> list[str]:
    """The states of its stream that it was told."""
    return [frame["data"]["state"] for frame in tab.frames if frame["type"] == "stream"]


async def settled_states(tab: Browser) -> None:
    """Return once it was not told last that the log waits: a commit that is slow on a busy machine is told like an
    outage, and an outage that begins meanwhile is not told again."""
    while states(tab)[-1:] == ["reconnecting"]:
        await tab.next()


# The database


async def test_who_watches_is_told_that_the_server_waits_and_then_gets_everything_once(
    alice: User, conversation: Conversation, outage: Outage
) -> None:
    appender = log.Appender(conversation.pk, await debates.claim(conversation))
    async with browser(alice, path_of(conversation)) as tab:
        appender.put(debates.status(Status.ACTIVE))
        await tab.until("status", status="active")
        await settled_states(tab)
        await asyncio.to_thread(outage.begin)
        for number in range(20):
            appender.put(said(number))
        await tab.until("stream", state="reconnecting")
        outage.end()
        await tab.until("stream", state="streaming")
        for number in range(20, 40):
            appender.put(said(number))
        appender.put(debates.status(Status.COMPLETED))
        await tab.until_closed()
    assert tab.closed == Close.ENDED
    seqs = [frame["seq"] for frame in tab.frames if frame["seq"] is not None]
    assert seqs == list(range(1, 44))
    # A busy machine may keep the log waiting for a moment again, even at the end.
    assert states(tab)[:2] == ["reconnecting", "streaming"]


async def test_a_debate_goes_on_where_it_stood_when_the_database_is_back(
    alice: User, conversation: Conversation, outage: Outage, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two ", "three.", gate=gate))
    supervisor.launch(conversation.pk)
    async with asyncio.timeout(PATIENCE_SECONDS), browser(alice, path_of(conversation)) as tab:
        gate.let()
        await tab.until("token")
        await settled_states(tab)
        await asyncio.to_thread(outage.begin)
        gate.open()
        await tab.until("stream", state="reconnecting")
        outage.end()
        await tab.until_closed()
    assert tab.closed == Close.ENDED
    rows = await debates.rows(conversation)
    assert [seq for seq, _, _ in rows] == [*range(1, len(rows) + 1)]
    assert [frame["seq"] for frame in tab.frames if frame["seq"] is not None][-1] == len(rows)
    types = [type_ for _, type_, _ in rows]
    assert debates.statuses(rows)[-1] == "completed"
    assert "message_discard" not in types
    assert types.count("message_start") == types.count("agent_message")
    first = next(data for _, type_, data in rows if type_ == "agent_message")
    spoken = [
        data["text"] for _, type_, data in rows if type_ == "token" and data["message"] == first["message"]
    ]
    assert first["content"] == "".join(spoken) == "One two three."


async def test_who_watches_is_told_when_the_log_cannot_be_read(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = queries.position
    away = Signal()
    failures = 0

    def fail(_: object) -> queries.Position:
        nonlocal failures
        failures += 1
        away.notify()
        raise OperationalError("away")

    tab = Tab()
    loop = asyncio.get_running_loop()
    async with watching(conversation.pk, tab) as watcher:
        watcher.tick(loop.time())
        monkeypatch.setattr(queries, "position", fail)
        await away.until(lambda: failures >= 2)
        await settled()
        watcher.tick(loop.time())
        assert tab.states() == ["reconnecting"]
        monkeypatch.setattr(queries, "position", position)
        await log.append(conversation.pk, said(1))
        await tab.until(lambda: "human_message" in tab.types)
        while watcher.state == "reconnecting":
            await settled()
            await database.call(lambda: None)
        watcher.tick(loop.time())
        assert tab.states() == ["reconnecting", "streaming"]


async def test_nobody_is_signed_out_because_nobody_can_be_asked(
    alice: User, conversation: Conversation, outage: Outage
) -> None:
    if not isinstance(outage, Line):
        pytest.skip("a locked SQLite file is read all the same")
    async with browser(alice, path_of(conversation)) as tab, browser(alice, "/ws/conversations/") as idle:
        await tab.until("status")
        # A socket is accepted before its session is looked up.
        await idle.send(type="ping")
        await idle.until("pong")
        await settled_states(tab)
        await asyncio.to_thread(outage.begin)
        await tab.until("stream", state="reconnecting")
        # A command is refused for now, and the connection stays.
        await tab.send(type="control", action="pause", idempotency_key="k")
        refused = await tab.until("error")
        outage.end()
        await tab.until("stream", state="streaming")
        await log.append(conversation.pk, said(1))
        await tab.until("human_message")
        await idle.send(type="ping")
        await idle.until("pong")
    assert (refused["data"]["code"], refused["data"]["retryable"]) == ("log_unavailable", True)
    assert refused["data"]["idempotency_key"] == "k"


@pytest.mark.parametrize("step", ["principals.of_sessions", "permissions.rights_of_all"])
async def test_handshake_during_a_database_outage_closes_with_4506(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(f"conversations.access.{step}", away)
    async with browser(alice, path_of(conversation)) as tab:
        assert await tab.until_closed() == []
    assert tab.closed == Close.UNAVAILABLE
    assert Close.UNAVAILABLE.retryable


async def test_the_api_says_that_the_log_cannot_be_reached(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("secret host is down")

    client = await signed_in(alice)
    monkeypatch.setattr(permissions, "watch", away)
    answer = await client.get(f"/api/conversations/{conversation.pk}/")
    assert answer.status_code == 503
    assert json.loads(answer.content) == {
        "code": "log_unavailable",
        "message": "The server cannot reach its database just now. Try again in a moment.",
    }


async def test_api_refuses_while_the_second_factor_cannot_be_looked_up(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bool:
        raise OperationalError("secret host is down")

    client = await signed_in(alice)
    monkeypatch.setattr(second_factor, "is_missing", away)
    answer = await client.get(f"/api/conversations/{conversation.pk}/")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (503, "log_unavailable")
    assert "secret" not in answer.content.decode()


async def test_nobody_starts_a_debate_on_a_full_disk_and_is_told_why(alice: User, disk: Disk) -> None:
    client = await signed_in(alice)
    disk.begin()
    await asyncio.to_thread(log.close)
    new = {"topic": "Is Tarnwick worth buying?", "content": "Much to say. " * 3_500}
    answer = await client.post("/api/conversations/", new, content_type="application/json")
    assert answer.status_code == 503
    assert json.loads(answer.content) == {
        "code": "storage_full",
        "message": "The server's disk is full; nothing was stored.",
    }
    assert await database.call(Conversation.objects.count) == 1


async def test_a_locked_file_refuses_a_start_instead_of_holding_it(
    alice: User, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "REQUEST_SECONDS", 0.1)
    client = await signed_in(alice)
    await asyncio.to_thread(outage.begin)
    answer = await client.post(
        "/api/conversations/", {"topic": "Is Tarnwick worth buying?"}, content_type="application/json"
    )
    outage.end()
    assert (answer.status_code, json.loads(answer.content)["code"]) == (503, "log_unavailable")


# Redis


@pytest.fixture
def redis(settings: Settings) -> Iterator[stores.Redis]:
    with stores.redis() as server:
        settings.CHANNEL_LAYERS = {
            "default": {
                "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                "CONFIG": {"hosts": [server.url]},
            }
        }
        yield server


class Elsewhere:
    """A watcher in another event loop, with a channel layer and a reader of its own, as in another process."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self.seqs: list[int] = []
        self.signal = Signal()

    def watch(self) -> None:
        asyncio.run(self._watch())

    async def _watch(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(follow(self._conversation.pk)) as entries:
            async for entry in entries:
                self.seqs.append(entry.seq)
                self.signal.notify()


@pytest.fixture
async def heard(conversation: Conversation, redis: stores.Redis) -> AsyncIterator[list[int]]:
    """The heads that rings have told, to a member of the group that joined before Redis goes away."""
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(notifier.group_name(conversation.pk), channel)
    heads: list[int] = []

    async def listen() -> None:
        while True:
            heads.append((await layer.receive(channel))["head"])

    listening = asyncio.create_task(listen())
    yield heads
    listening.cancel()
    await asyncio.wait([listening])


@pytest.mark.redis
async def test_redis_goes_and_comes_back_and_watchers_of_two_processes_lose_nothing(
    alice: User,
    conversation: Conversation,
    redis: stores.Redis,
    heard: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "conversations.infrastructure.availability")
    appender = log.Appender(conversation.pk, await debates.claim(conversation))
    elsewhere = Elsewhere(conversation)
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE_SECONDS):
        wakeup = await stack.enter_async_context(wakeups.listening(conversation.pk))
        tab = await stack.enter_async_context(browser(alice, path_of(conversation)))
        other = asyncio.create_task(asyncio.to_thread(elsewhere.watch))
        appender.put(said(0))
        await tab.until("human_message", text="0")
        await elsewhere.signal.until(lambda: 2 in elsewhere.seqs)
        await asyncio.to_thread(redis.stop)
        for number in range(1, 20):
            appender.put(said(number))
        # The log is written, and both come by it, though no ring does.
        await appender.flush()
        await tab.until("human_message", text="19")
        await elsewhere.signal.until(lambda: 21 in elsewhere.seqs)
        # What is told in this process reaches its run.
        wakeup.clear()
        wakeups.wake(conversation.pk)
        await wakeup.wait()
        await asyncio.gather(*notifier.tasks.here(), *wakeups.tasks.here())
        await asyncio.to_thread(redis.start)
        before, number = len(heard), 20
        while len(heard) == before:
            # Who joined before hears again, without joining anew.
            appender.put(said(number))
            await appender.flush()
            await asyncio.gather(*notifier.tasks.here())
            number += 1
            await asyncio.sleep(0.05)
        appender.put(debates.status(Status.COMPLETED, Mode.LIVE))
        await tab.until_closed()
        await other
    head = number + 2
    assert [frame["seq"] for frame in tab.frames if frame["seq"] is not None] == [*range(1, head + 1)]
    assert elsewhere.seqs == [*range(1, head + 1)]
    told = [
        record.msg["event"]
        for record in caplog.records
        if record.name == availability.__name__ and isinstance(record.msg, dict)
    ]
    assert told.count("channel_layer_away") == 1
    assert not [record for record in caplog.records if record.name == "channels_redis.pubsub"]


@pytest.mark.redis
async def test_who_comes_while_redis_is_away_gets_everything_too(
    alice: User, conversation: Conversation, redis: stores.Redis
) -> None:
    await asyncio.to_thread(redis.stop)
    async with asyncio.timeout(PATIENCE_SECONDS), browser(alice, path_of(conversation)) as tab:
        await tab.until("status", status="queued")
        for number in range(5):
            await log.append(conversation.pk, said(number))
        await tab.until("human_message", text="4")
        await asyncio.to_thread(redis.start)
        await log.append(conversation.pk, debates.status(Status.COMPLETED))
        await tab.until_closed()
    assert [frame["seq"] for frame in tab.frames if frame["seq"] is not None] == [*range(1, 8)]
