"""What operators see of a process, and what they say to everybody."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from operator import sub
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from conversations.budgets import ledger
from conversations.domain.enums import Status
from conversations.domain.events import Usage
from conversations.event_log import appender
from conversations.infrastructure import database, metrics
from conversations.models import Conversation, LedgerEntry
from streaming.statistics import counters, rolling
from streaming.statistics.counters import FINE_BOUNDS
from streaming.statistics.rolling import RollingStatistics
from streaming.watchers.registry import MAX_NOTICE, registry
from streaming.wire.close_codes import Close
from tests.support import debates
from tests.support.sockets import Browser, browser, path_of

pytestmark = pytest.mark.django_db(transaction=True)

STATUS = "/api/streaming/status"
SESSIONS = "/api/streaming/sessions"
DAYS = "/api/streaming/days"
BROADCAST = "/api/streaming/broadcast"


@pytest.fixture
def operator(carol: User) -> User:
    """Staff who may review and control."""
    carol.user_permissions.add(Permission.objects.get(codename="control_conversation"))
    return carol


async def signed_in(person: User) -> AsyncClient:
    client = AsyncClient()
    await database.call(client.force_login, person)
    return client


async def read(person: User, address: str) -> Any:
    answer = await (await signed_in(person)).get(address)
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


async def closed(person: User) -> Counter[tuple[int, str]]:
    """How many connections were closed, by code and name, in the order of the answer."""
    closes = (await read(person, STATUS))["closed"]
    return Counter({(each["code"], each["name"]): each["count"] for each in closes})


async def say(client: AsyncClient, **body: Any) -> tuple[int, Any]:
    answer = await client.post(BROADCAST, json.dumps(body), content_type="application/json")
    return answer.status_code, json.loads(answer.content)


async def speak(conversation: Conversation, *words: str) -> None:
    start = debates.message_start(uuid4())
    await appender.append(conversation.pk, start, *debates.tokens(start.message, words))


async def until_spoken(tab: Browser, text: str) -> None:
    """Read on to the token that ends with this text."""
    while not (await tab.until("token"))["data"]["text"].endswith(text):
        pass


# Who may


async def test_anonymous_requests_get_401() -> None:
    client = AsyncClient()
    for answer in (
        *[await client.get(each) for each in (STATUS, SESSIONS, DAYS)],
        await client.post(BROADCAST),
    ):
        assert (answer.status_code, json.loads(answer.content)["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("is_staff", [False, True], ids=["no staff", "staff without the right"])
async def test_users_who_may_not_review_get_403(alice: User, is_staff: bool) -> None:
    alice.is_staff = is_staff
    await database.call(alice.save)
    client = await signed_in(alice)
    for address in (STATUS, SESSIONS, DAYS):
        answer = await client.get(address)
        assert (answer.status_code, json.loads(answer.content)["code"]) == (403, "forbidden")
    status, body = await say(client, text="Hello")
    assert (status, body["code"]) == (403, "forbidden")


async def test_permission_without_staff_gets_403(operator: User) -> None:
    operator.is_staff = False
    await database.call(operator.save)
    client = await signed_in(operator)
    assert (await client.get(STATUS)).status_code == 403
    assert (await say(client, text="Hello"))[0] == 403


async def test_reviewer_may_not_broadcast(carol: User) -> None:
    client = await signed_in(carol)
    assert (await client.get(STATUS)).status_code == 200
    status, body = await say(client, text="Hello")
    assert (status, body["code"]) == (403, "forbidden")


# Status


async def test_idle_process_has_zeros_and_nulls(carol: User) -> None:
    body = await read(carol, STATUS)
    assert body["connections"]["total"] == sum(body["connections"]["states"].values()) == 0
    assert body["tokens_per_second"]["spoken"] == body["tokens_per_second"]["delivered"] == 0
    latency = body["latency"]
    assert latency["samples"] == 0
    assert latency["p50_ms"] is latency["p95_ms"] is latency["p99_ms"] is None
    assert body["series"] == []


async def test_connections_are_counted_by_state(alice: User, carol: User, conversation: Conversation) -> None:
    async with (
        browser(alice, path_of(conversation)) as tab,
        browser(alice, path_of(conversation)) as held,
        browser(alice, "/ws/conversations/"),
    ):
        await tab.until("status")
        await held.until("status")
        await held.send(type="control", action="pause_stream")
        await held.until("stream", state="paused")
        body = await read(carol, STATUS)
    assert body["connections"]["total"] == 3
    assert body["connections"]["transports"] == {"websocket": 3}
    assert body["connections"]["states"] == {
        "idle": 1,
        "streaming": 1,
        "paused": 1,
        "lagging": 0,
        "reconnecting": 0,
        "error": 0,
        "closed": 0,
    }
    assert body["lagging"] == 0
    assert (await read(carol, STATUS))["connections"]["total"] == 0


async def test_debates_are_counted_by_status(alice: User, carol: User, conversation: Conversation) -> None:
    done, active = await database.call(lambda: [debates.create(alice) for _ in range(2)])
    await appender.append(done.pk, debates.status(Status.CANCELLED))
    await appender.append(active.pk, debates.status(Status.INITIALIZING), debates.status(Status.ACTIVE))
    async with browser(alice, path_of(active)) as tab:
        await tab.until("status", status="active")
        counted = (await read(carol, STATUS))["conversations"]
    statuses = counted.pop("statuses")
    assert counted == {"watched": 1, "running": 2}
    assert {status: count for status, count in statuses.items() if count} == {
        "queued": 1,
        "active": 1,
        "cancelled": 1,
    }
    assert set(statuses) == set(Status)


async def test_models_have_their_errors_costs_and_first_tokens(carol: User) -> None:
    model = f"model-{uuid4()}"
    metrics.turn_completed("openai", model, Usage(input_tokens=7, output_tokens=3), 0.25)
    metrics.turn_completed("openai", model, Usage(), None)
    for _ in range(2):
        metrics.turn_failed("openai", model, "provider_down")
    for seconds in (*[0.1] * 10, 2.0):
        metrics.first_token("openai", model, seconds)
    [found] = [each for each in (await read(carol, STATUS))["models"] if each["model"] == model]
    p50, p95 = found.pop("first_token_p50_ms"), found.pop("first_token_p95_ms")
    assert (100 <= p50 <= 119, 2_000 <= p95 <= 2_380) == (True, True)
    assert found == {
        "provider": "openai",
        "model": model,
        "spoken": 2,
        "failures": {"provider_down": 2},
        "input_tokens": 7,
        "output_tokens": 3,
        "usd": 0.25,
        "unpriced": 1,
    }


async def test_days_have_their_debates_and_costs(alice: User, carol: User) -> None:
    today, failed, old = [await debates.created(alice) for _ in range(3)]

    def prepare() -> None:
        Conversation.objects.filter(pk=failed.pk).update(status=Status.ERROR)
        Conversation.objects.filter(pk=old.pk).update(created_at=today.created_at - timedelta(days=14))
        LedgerEntry.objects.create(scope="installation", day=ledger.today(), usd=1.5, unpriced=2, tokens=90)

    await database.call(prepare)
    days = await read(carol, DAYS)
    assert len(days) == 14
    day = ledger.today()
    assert days[0] == {
        "day": str(day), "debates": 2, "failed": 1, "usd": 1.5, "unpriced": 2, "tokens": 90,
    }  # fmt: skip
    # A day on which nothing happened is in it, too.
    assert days[1] == {
        "day": str(day - timedelta(days=1)), "debates": 0, "failed": 0, "usd": 0.0, "unpriced": 0, "tokens": 0,
    }  # fmt: skip


async def test_tokens_are_counted_once_in_and_once_per_watcher(
    alice: User, carol: User, conversation: Conversation
) -> None:
    async with browser(alice, path_of(conversation)) as one, browser(alice, path_of(conversation)) as other:
        await one.until("status")
        await other.until("status")
        await speak(conversation, "Buy", " it.")
        for tab in (one, other):
            await until_spoken(tab, " it.")
        body = await read(carol, STATUS)
    # Within the first second, a second is what they are counted over.
    assert (body["tokens_per_second"]["spoken"], body["tokens_per_second"]["delivered"]) == (2.0, 4.0)


async def test_latency_is_known_after_the_first_paint(
    alice: User, carol: User, conversation: Conversation
) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        await speak(conversation, "Buy.")
        token = await tab.until("token")
        await tab.send(type="ack", seq=token["seq"])
        await tab.send(type="ping")
        await tab.until("pong")
        latency = (await read(carol, STATUS))["latency"]
    assert latency["samples"] == 1
    assert 1 <= latency["p50_ms"] == latency["p95_ms"] == latency["p99_ms"] < 60_000


async def test_closes_are_counted_by_code(alice: User, carol: User, conversation: Conversation) -> None:
    before = await closed(carol)
    async with browser(alice, path_of(conversation)) as tab:
        await appender.append(conversation.pk, debates.status(Status.COMPLETED))
        await tab.until_closed()
    async with browser(alice, "/ws/conversations/") as tab:
        await registry().close_all(Close.RESTART)
        await tab.until_closed()
    after = await closed(carol)
    assert after - before == {(1000, "ENDED"): 1, (4501, "RESTART"): 1}
    assert [*after] == sorted(after)


async def test_every_five_seconds_become_a_sample(
    alice: User, carol: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock of the test looks, not the timer's.
    monkeypatch.setattr(rolling, "INTERVAL_SECONDS", 3600.0)
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        statistics = registry().statistics
        for _ in range(rolling.SAMPLE_INTERVALS):
            statistics.refresh()
        counters.DROPS_REPAIRED.inc()
        counters.painted(0.1)
        for _ in range(2 * rolling.SAMPLE_INTERVALS):
            statistics.refresh()
        first, second, third = (await read(carol, STATUS))["series"]
    assert (first["connections"], first["p50_ms"], first["repaired"]) == (1, None, 0)
    assert (second["connections"], second["repaired"]) == (1, 1)
    assert 100 <= second["p50_ms"] <= 104.5
    assert (third["p50_ms"], third["repaired"]) == (None, 0)
    assert first["time"] <= second["time"] <= third["time"]


async def test_samples_of_ten_minutes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "INTERVAL_SECONDS", 3600.0)
    statistics = RollingStatistics({})
    for _ in range(rolling.SAMPLE_INTERVALS * 130):
        statistics.refresh()
    assert len(statistics.samples) == 120


async def test_timer_takes_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "INTERVAL_SECONDS", 0.001)
    statistics = RollingStatistics({})
    async with asyncio.timeout(20):
        while not statistics.samples:
            await asyncio.sleep(0)


def paints(*seconds: float) -> list[int]:
    """How many of these paints lay within each of the bounds."""
    before = [*counters.fine_paints]
    for each in seconds:
        counters.painted(each)
    return [*map(sub, counters.fine_paints, before)]


@given(st.lists(st.floats(0.001, 60), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentile_is_at_most_one_bucket_too_high(took: list[float], part: float) -> None:
    told = rolling.percentile_ms(paints(*took), part)
    true = 1000 * sorted(took)[max(0, -int(-part * len(took) // 1) - 1)]
    assert told is not None
    assert true - 0.06 <= told <= true * 1.045 + 0.06


def test_paint_beyond_all_bounds_counts_as_the_last_bound() -> None:
    assert rolling.percentile_ms(paints(3600), 0.5) == round(1000 * FINE_BOUNDS[-1], 1)


# Sessions


async def test_session_says_what_it_was_sent(alice: User, carol: User, conversation: Conversation) -> None:
    async with browser(alice, f"{path_of(conversation)}?rate=50") as tab:
        hello = await tab.until("hello")
        await speak(conversation, "Buy", " it.")
        await until_spoken(tab, " it.")
        await tab.send(type="ack", seq=2)
        await tab.send(type="ping")
        await tab.until("pong")
        body = await read(carol, SESSIONS)
        sent = sum(len(text.encode()) for text in tab.texts)
    [session] = body["sessions"]
    assert body["total"] == 1
    # To the millisecond, as JSON of the API has it.
    assert session.pop("since")[:23] <= hello["at"][:23]
    assert session == {
        "id": hello["data"]["session"],
        "user": "alice",
        "conversation": str(conversation.pk),
        "transport": "websocket",
        "state": "streaming",
        "cursor": session["head"],
        "head": session["head"],
        "behind": 0,
        "acked": True,
        "tokens": 2,
        "frames": len(tab.texts),
        "bytes": sent,
        "rate": 50.0,
    }


async def test_session_says_how_far_it_is_behind(
    alice: User, carol: User, conversation: Conversation
) -> None:
    async with browser(alice, path_of(conversation)) as tab, browser(alice, path_of(conversation)) as other:
        await tab.until("status")
        await tab.send(type="control", action="pause_stream")
        await tab.until("stream", state="paused")
        await other.until("status")
        await speak(conversation, "Buy", " it.")
        await until_spoken(other, " it.")
        body = await read(carol, SESSIONS)
        [held] = [session for session in body["sessions"] if session["state"] == "paused"]
        assert held["behind"] == held["head"] - held["cursor"] > 0
        assert held["acked"] is False
        assert held["rate"] is None


async def test_the_newest_sessions_come_first_and_all_are_counted(alice: User, carol: User) -> None:
    async with browser(alice, "/ws/conversations/"):
        [first] = (await read(carol, SESSIONS))["sessions"]
        async with browser(alice, "/ws/conversations/"):
            body = await read(carol, f"{SESSIONS}?limit=1")
            assert body["total"] == 2
            assert [session["id"] for session in body["sessions"]] != [first["id"]]
            assert (await read(carol, SESSIONS))["sessions"][1] == first


@pytest.mark.parametrize("limit", ["0", "1001", "all"])
async def test_invalid_limit_is_refused(carol: User, limit: str) -> None:
    answer = await (await signed_in(carol)).get(f"{SESSIONS}?limit={limit}")
    body = json.loads(answer.content)
    assert (answer.status_code, body["code"], body["errors"][0]["field"]) == (422, "invalid", "limit")


# Broadcast


# No layer promises a notice: of one that loses messages, nothing can be asked.
@pytest.mark.parametrize("layer", ["memory", pytest.param("redis", marks=pytest.mark.redis)], indirect=True)
async def test_broadcast_reaches_every_connection(
    alice: User, operator: User, conversation: Conversation, layer: str
) -> None:
    client = await signed_in(operator)
    async with browser(alice, path_of(conversation)) as tab, browser(operator, "/ws/conversations/") as idle:
        hearing = {asyncio.create_task(who.until("notice")) for who in (tab, idle)}
        heard: set[asyncio.Task[Any]] = set()
        # They connect before they listen.
        while len(heard) < len(hearing):
            assert await say(client, text="  We restart at noon.\n") == (202, {"text": "We restart at noon."})
            heard, _ = await asyncio.wait(hearing, timeout=0.2)
        for notice in heard:
            assert notice.result()["seq"] is None
            assert notice.result()["data"] == {"text": "We restart at noon."}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, ("text", "missing")),
        ({"text": " \n"}, ("text", "string_too_short")),
        ({"text": "x" * (MAX_NOTICE + 1)}, ("text", "string_too_long")),
        ({"text": "a\0b"}, ("text", "no_nul")),
        ({"text": 7}, ("text", "string_type")),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_invalid_broadcast_is_refused(
    operator: User, body: dict[str, Any], problem: tuple[str, str]
) -> None:
    status, answer = await say(await signed_in(operator), **body)
    assert status == 422
    assert [(error["field"], error["rule"]) for error in answer["errors"]] == [problem]


async def test_broadcast_without_channel_layer_gets_503(operator: User, settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    status, body = await say(await signed_in(operator), text="Hello")
    assert status == 503
    assert "127.0.0.1" not in body["message"]
