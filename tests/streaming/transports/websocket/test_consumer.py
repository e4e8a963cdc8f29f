"""The WebSocket, as a browser sees it: who may, what comes, and how it ends."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from channels.layers import InMemoryChannelLayer
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError
from pytest_django import Settings

from conversations.domain import transcript
from conversations.domain.enums import Status
from conversations.domain.requests import MAX_CONTENT
from conversations.event_log import appender, queries, store
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import supervisor
from streaming.hub import reader
from streaming.transports.websocket.consumer import MAX_FRAME_BYTES
from streaming.watchers import session_guard
from streaming.watchers.registry import registry
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.support import debates
from tests.support.frames import fold_frames
from tests.support.sockets import Browser, Frame, browser, path_of

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "/ws/conversations/"


@pytest.fixture
def finished(conversation: Conversation) -> Conversation:
    from django.utils import timezone

    store.store_batch([store.Append(conversation.pk, None, debates.every_event(), timezone.now())])
    return conversation


def stored_of(frames: list[Frame]) -> list[debates.Row]:
    """The frames that are in the log."""
    return [(frame["seq"], frame["type"], frame["data"]) for frame in frames if frame["seq"] is not None]


# What comes


async def test_heartbeat_head_excludes_filtered_events(
    alice: User, conversation: Conversation, settings: Settings
) -> None:
    """A client that hears of more, twice and nothing between, comes back for it: again and again in a long turn."""
    settings.OUTCRY_EVENTS = {"websocket": frozenset({"token"})}
    settings.OUTCRY_HEARTBEAT_SECONDS = 0.1
    start = debates.message_start(uuid4())
    async with browser(alice, path_of(conversation)) as tab:
        await appender.append(conversation.pk, start, debates.token(start.message, "One "))
        begun = await tab.until("message_start")
        [watcher] = registry().watchers.values()
        await until(lambda: watcher.cursor == begun["seq"] + 1)
        # One may have been under way.
        await tab.until("heartbeat")
        heads = [(await tab.until("heartbeat"))["data"]["head"] for _ in range(2)]
        assert heads == [begun["seq"]] * 2
        await appender.append(conversation.pk, debates.agent_message(start, "One two."))
        whole = await tab.until("agent_message")
        assert whole["after"] == begun["seq"]
        await tab.until("heartbeat", head=whole["seq"])


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():
            await asyncio.sleep(0)


async def test_hello_comes_first_with_head_and_status(
    alice: User, conversation: Conversation, settings: Settings
) -> None:
    await appender.append(conversation.pk, debates.status(Status.INITIALIZING), debates.status(Status.ACTIVE))
    async with browser(alice, path_of(conversation, 2)) as tab:
        hello = await tab.next()
    assert hello is not None
    assert (hello["type"], hello["seq"], hello["conversation"]) == ("hello", None, str(conversation.pk))
    assert hello["data"] == {
        "head": 3,
        "status": "active",
        "mode": "live",
        "recovered": True,
        "from": 2,
        "heartbeat_seconds": settings.OUTCRY_HEARTBEAT_SECONDS,
        "session": hello["data"]["session"],
    }
    assert str(UUID(hello["data"]["session"])) == hello["data"]["session"]


async def test_every_event_comes_as_stored_before_the_close(alice: User, finished: Conversation) -> None:
    async with browser(alice, path_of(finished)) as tab:
        await tab.until_closed()
    entries = await database.call(queries.read, finished.pk, 0, 1000)
    assert tab.texts[1:] == [entry.text for entry in entries]
    assert tab.closed == 1000


async def test_live_events_come_until_the_final_status(alice: User, conversation: Conversation) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status", status="queued")
        for event in debates.every_event():
            await appender.append(conversation.pk, event)
            assert (await tab.next() or {})["type"] == event.type
        assert await tab.next() is None
    assert tab.closed == 1000
    assert stored_of(tab.frames) == await debates.rows(conversation)


@pytest.mark.parametrize("last", [Status.COMPLETED, Status.CANCELLED, Status.ERROR])
async def test_every_final_status_closes_with_1000(
    alice: User, conversation: Conversation, last: Status
) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await appender.append(conversation.pk, debates.status(last))
        await tab.until_closed()
    assert tab.closed == 1000


async def test_cursor_gets_only_later_events(alice: User, finished: Conversation) -> None:
    rows = await debates.rows(finished)
    for after in range(len(rows) + 1):
        async with browser(alice, path_of(finished, after)) as tab:
            await tab.until_closed()
        assert stored_of(tab.frames) == rows[after:]
        assert tab.closed == 1000


async def test_cursor_beyond_the_log_is_not_recovered(alice: User, finished: Conversation) -> None:
    async with browser(alice, path_of(finished, 2**31 - 1)) as tab:
        await tab.until_closed()
    assert (tab.frames[0]["data"]["recovered"], tab.frames[0]["data"]["from"]) == (False, 0)
    assert stored_of(tab.frames) == await debates.rows(finished)


async def test_several_tabs_each_get_everything(alice: User, conversation: Conversation, layer: str) -> None:
    async def read(after: int) -> Browser:
        async with browser(alice, path_of(conversation, after)) as tab:
            await tab.until_closed()
        return tab

    tabs = [asyncio.create_task(read(after)) for after in (0, 0, 1, 0)]
    for event in debates.every_event():
        await appender.append(conversation.pk, event)
    rows = await debates.rows(conversation)
    for tab, after in zip(await asyncio.gather(*tabs), (0, 0, 1, 0), strict=True):
        before = transcript.fold(rows[:after])
        assert fold_frames(tab.frames, before) == transcript.fold(rows)


async def test_heartbeat_carries_the_head(
    alice: User, conversation: Conversation, settings: Settings
) -> None:
    settings.OUTCRY_HEARTBEAT_SECONDS = 0.05
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("heartbeat", head=1)
        await appender.append(conversation.pk, debates.status(Status.ACTIVE))
        beat = await tab.until("heartbeat", head=2)
    assert beat["seq"] is None


async def test_ping_is_answered(alice: User, conversation: Conversation) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.send(type="ping")
        assert (await tab.until("pong"))["data"] == {}


async def test_reviewer_watches_a_foreign_debate(carol: User, finished: Conversation) -> None:
    async with browser(carol, path_of(finished)) as tab:
        await tab.until_closed()
    assert tab.closed == 1000
    assert stored_of(tab.frames) == await debates.rows(finished)


# Refused


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """No group is joined and no log read during the test."""
    touched: list[str] = []

    def spy(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            touched.append(name)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, watched)

    for owner, name in (
        (InMemoryChannelLayer, "group_add"),
        (reader, "ConversationReader"),
        (queries, "read"),
        (queries, "read_all"),
        (queries, "position"),
    ):
        spy(owner, name)
    yield touched
    assert touched == []


async def refused(person: User | None, path: str) -> tuple[list[Frame], int | None]:
    async with browser(person, path) as tab:
        await tab.until_closed()
    return tab.frames, tab.closed


@pytest.mark.usefixtures("untouched")
async def test_anonymous_client_is_closed_with_4401(finished: Conversation) -> None:
    assert await refused(None, path_of(finished)) == ([], 4401)
    assert await refused(None, f"{NEW}{uuid4()}/") == ([], 4401)
    assert await refused(None, NEW) == ([], 4401)


@pytest.mark.usefixtures("untouched")
async def test_foreign_and_unknown_conversations_both_close_with_4404(
    bob: User, finished: Conversation
) -> None:
    assert await refused(bob, path_of(finished)) == ([], 4404)
    assert await refused(bob, f"{NEW}{uuid4()}/") == ([], 4404)
    assert await refused(bob, f"{NEW}not-a-uuid/") == ([], 4404)


@pytest.mark.usefixtures("untouched")
async def test_staff_without_review_right_see_only_their_own(bob: User, finished: Conversation) -> None:
    def promote() -> None:
        bob.is_staff = True
        bob.save()

    await database.call(promote)
    assert await refused(bob, path_of(finished)) == ([], 4404)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "after", ["", "-1", "x", "1.5", "1e3", "²", "١", "2147483648", "9" * 5000, "0x1", "+1", "%00"]
)
async def test_bad_cursor_closes_with_4400(alice: User, finished: Conversation, after: str) -> None:
    assert await refused(alice, path_of(finished, after)) == ([], 4400)


@pytest.mark.usefixtures("untouched")
async def test_unknown_address_closes_with_4404(alice: User) -> None:
    assert await refused(alice, "/ws/nothing/") == ([], 4404)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost.evil.example", "http://localhost:9999", "null", None]
)
async def test_foreign_origin_is_refused_in_the_handshake(
    alice: User, finished: Conversation, origin: str | None
) -> None:
    async with browser(alice, path_of(finished), origin=origin, accepted=False):
        pass


@pytest.mark.parametrize("path", ["mine", "new"])
async def test_frames_of_a_refused_client_are_ignored(
    bob: User, conversation: Conversation, openai: OpenAIServer, path: str
) -> None:
    people = (
        [(bob, path_of(conversation)), (None, path_of(conversation))] if path == "mine" else [(None, NEW)]
    )
    for person, address in people:
        async with browser(person, address) as tab:
            # In the same moment as the close: such a frame may be on its way already.
            await tab.send(type="start", topic="Buy?")
            await tab.until_closed()
            await tab.send(type="start", topic="Buy?")
            await tab.send(type="ping")
            await tab.socket.receive_nothing(timeout=0.1)
        assert tab.frames == []
    assert await database.call(Conversation.objects.count) == 1
    assert openai.asked == []


# What a client sends

MALFORMED: list[tuple[str, str, str]] = [
    ("", "body", "json"),
    ("{", "body", "json"),
    ("[]", "body", "json_object"),
    ("5", "body", "json_object"),
    ("null", "body", "json_object"),
    ("[" * 60_000, "body", "json"),
    ("9" * 10_000, "body", "json"),
    ("{}", "type", "string_type"),
    ('{"type": 5}', "type", "string_type"),
    ('{"type": ["start"]}', "type", "string_type"),
    ('{"type": "shout"}', "type", "unknown_type"),
    ('{"type": "cancel"}', "type", "unknown_type"),
    ('{"type": "start", "topic": "Buy?"}', "type", "already_watching"),
]


@pytest.mark.parametrize(("text", "field", "rule"), MALFORMED, ids=[text[:20] for text, _, _ in MALFORMED])
async def test_malformed_frame_gets_an_error_and_changes_nothing(
    alice: User, conversation: Conversation, text: str, field: str, rule: str
) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        await tab.send(text)
        error = await tab.until("error")
        assert error["seq"] is None
        assert (error["data"]["code"], error["data"]["field"], error["data"]["rule"]) == (
            "invalid",
            field,
            rule,
        )
        assert error["data"]["message"].endswith(".")
        await tab.send(type="ping")
        await tab.until("pong")
    assert len(await debates.rows(conversation)) == 1
    assert await database.call(Conversation.objects.count) == 1


async def test_binary_frame_gets_an_error(alice: User, conversation: Conversation) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.socket.send_to(bytes_data=b'{"type": "ping"}')
        assert (await tab.until("error"))["data"]["rule"] == "text_frame"


@pytest.mark.parametrize("text", ["x" * (MAX_FRAME_BYTES + 1), "€" * (MAX_FRAME_BYTES // 3 + 1)])
async def test_frame_over_64_kib_closes_with_4413(alice: User, conversation: Conversation, text: str) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        await tab.send(text)
        await tab.until_closed()
    assert tab.closed == 4413


async def test_frames_beyond_the_rate_close_with_4429(
    alice: User, conversation: Conversation, settings: Settings
) -> None:
    settings.OUTCRY_MAX_FRAMES_PER_SECOND = 1
    async with browser(alice, path_of(conversation)) as tab:
        for _ in range(10):
            await tab.send(type="ping")
        frames = await tab.until_closed()
    assert tab.closed == 4429
    assert 0 < [frame["type"] for frame in frames].count("pong") < 10


async def test_connections_beyond_the_users_limit_close_with_4507(
    alice: User, bob: User, conversation: Conversation, settings: Settings
) -> None:
    settings.OUTCRY_MAX_CONNECTIONS_PER_USER = 2
    async with browser(alice, path_of(conversation)) as first, browser(alice, NEW):
        await first.until("hello")
        async with browser(alice, NEW) as third, browser(bob, NEW) as others:
            assert await third.next() is None
            await others.send(type="ping")
            await others.until("pong")
        assert third.closed == 4507
        await first.leave()
        async with browser(alice, NEW) as again:
            await again.send(type="ping")
            await again.until("pong")


async def test_connections_beyond_the_reading_rate_close_with_4507(alice: User, settings: Settings) -> None:
    settings.OUTCRY_READ_RATE = "1/hour"
    async with browser(alice, NEW):
        async with browser(alice, NEW) as second:
            assert await second.next() is None
        assert second.closed == 4507


async def test_nothing_comes_after_4413(alice: User, conversation: Conversation) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        await tab.send("x" * (MAX_FRAME_BYTES + 1))
        await tab.until_closed()
        await appender.append(conversation.pk, *debates.every_event())
        assert await tab.socket.receive_nothing(timeout=0.2)


async def test_frame_of_64_kib_is_read(alice: User, conversation: Conversation) -> None:
    ping = json.dumps({"type": "ping"})
    async with browser(alice, path_of(conversation)) as tab:
        await tab.send(ping + " " * (MAX_FRAME_BYTES - len(ping)))
        await tab.until("pong")


# Started by the socket


async def test_start_has_the_longest_content(alice: User, openai: OpenAIServer) -> None:
    content = "\u20ac" * MAX_CONTENT
    async with browser(alice, NEW) as tab:
        await tab.send(type="start", content=content, rounds=1, truncate=True)
        await tab.until("status")
        # What follows is bounded as elsewhere.
        await tab.send("x" * (MAX_FRAME_BYTES + 1))
        await tab.until_closed()
    assert tab.closed == 4413
    conversation = await database.call(Conversation.objects.get)
    assert (conversation.content, len(conversation.topic)) == (content, 200)


async def test_started_debate_is_watched_on_the_same_socket(alice: User, openai: OpenAIServer) -> None:
    async with browser(alice, NEW) as tab:
        await tab.send(type="start", topic="Buy?", rounds=1)
        await tab.until_closed()
    assert tab.closed == 1000
    conversation = await database.call(Conversation.objects.get)
    assert (conversation.owner_id, conversation.topic, conversation.status) == (alice.pk, "Buy?", "completed")
    assert tab.frames[0]["type"] == "hello"
    assert {frame["conversation"] for frame in tab.frames} == {str(conversation.pk)}
    assert fold_frames(tab.frames) == transcript.fold(await debates.rows(conversation))


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({}, "topic", "missing"),
        ({"topic": ""}, "topic", "string_too_short"),
        ({"topic": "x" * 501}, "topic", "string_too_long"),
        ({"topic": "a\0"}, "topic", "no_nul"),
        ({"topic": "\ud800"}, "topic", "string_unicode"),
        ({"topic": "\u200b\ufeff\u2060"}, "topic", "invisible"),
        ({"topic": "Buy?", "rounds": 7}, "rounds", "less_than_equal"),
        ({"topic": "Buy?", "panel": "x"}, "panel", "unknown_panel"),
        ({"topic": "Buy?", "content_type": "poem"}, "content_type", "enum"),
        ({"topic": "Buy?", "surprise": 1}, "surprise", "extra_forbidden"),
        ({"topic": "Buy?", "\ud800": 1}, "body", "string_unicode"),
    ],
)
async def test_invalid_start_names_the_rule_and_may_be_repeated(
    alice: User, openai: OpenAIServer, fields: dict[str, Any], field: str, rule: str
) -> None:
    async with browser(alice, NEW) as tab:
        await tab.send(type="start", **fields)
        error = await tab.until("error")
        assert (error["data"]["field"], error["data"]["rule"]) == (field, rule)
        assert await database.call(Conversation.objects.count) == 0
        await tab.send(type="start", topic="Buy?", rounds=1)
        await tab.until("status", status="completed")
    assert await database.call(Conversation.objects.count) == 1


async def test_start_over_the_limit_gets_an_error(
    alice: User, conversation: Conversation, settings: Settings
) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 1
    async with browser(alice, NEW) as tab:
        await tab.send(type="start", topic="Buy?")
        error = await tab.until("error")
    assert (error["data"]["code"], error["data"]["retryable"]) == ("limit_reached", True)
    assert await database.call(Conversation.objects.count) == 1


async def test_two_starts_at_once_start_one_debate(alice: User, openai: OpenAIServer) -> None:
    async with browser(alice, NEW) as tab:
        await tab.send(type="start", topic="Buy?", rounds=1)
        await tab.send(type="start", topic="Sell?", rounds=1)
        assert (await tab.until("error"))["data"]["rule"] == "already_watching"
    await debates.debates_ended()
    assert await database.call(Conversation.objects.count) == 1


# Tabs and debates


async def test_closed_tab_does_not_stop_the_debate(
    alice: User, conversation: Conversation, openai: OpenAIServer
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate))
    run = supervisor.launch(conversation.pk)
    async with browser(alice, path_of(conversation)) as tab:
        gate.let()
        await tab.until("token", text="One ")
    gate.open()
    await run
    assert (await debates.fresh(conversation)).status == "completed"
    assert not openai.asked[0].closed_early


async def test_debate_continues_after_its_tab_closes(alice: User, openai: OpenAIServer) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate))
    async with browser(alice, NEW) as tab:
        await tab.send(type="start", topic="Buy?", rounds=1)
        await gate.reached(1)
    gate.open()
    await debates.debates_ended()
    assert (await database.call(Conversation.objects.get)).status == "completed"


async def test_closed_tab_leaves_no_reader_behind(alice: User, conversation: Conversation) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        [watched] = reader._readers[asyncio.get_running_loop()].values()
    await asyncio.wait([watched._task], timeout=20)
    assert watched._task.done()
    assert reader._readers[asyncio.get_running_loop()] == {}


# When the session ends


@pytest.fixture
def quick(settings: Settings) -> None:
    settings.OUTCRY_HEARTBEAT_SECONDS = 0.05


def sign_out(person: User) -> None:
    Session.objects.all().delete()


def disable(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def change_password(person: User) -> None:
    person.set_password("another-one-altogether")
    person.save()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("end", [sign_out, disable, change_password])
async def test_ended_session_closes_with_4401(
    alice: User, conversation: Conversation, end: Callable[[User], None]
) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("heartbeat")
        await database.call(end, alice)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await tab.until_closed()
    assert tab.closed == 4401


@pytest.mark.usefixtures("quick")
async def test_lost_review_right_closes_with_4403(carol: User, conversation: Conversation) -> None:
    async with browser(carol, path_of(conversation)) as tab:
        await tab.until("heartbeat")
        await database.call(carol.user_permissions.clear)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await tab.until_closed()
    assert tab.closed == 4403


async def test_disabled_user_starts_nothing(alice: User) -> None:
    async with browser(alice, NEW) as tab:
        await database.call(disable, alice)
        await tab.send(type="start", topic="Buy?")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await tab.until_closed()
    assert tab.closed == 4401
    assert not await database.call(Conversation.objects.exists)


@pytest.mark.usefixtures("quick")
async def test_unreadable_sessions_close_nobody(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise OperationalError("away")

    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("heartbeat")
        monkeypatch.setattr(session_guard, "refused", away)
        await tab.until("heartbeat")
        await appender.append(conversation.pk, debates.status(Status.ACTIVE))
        await tab.until("status", status="active")


# What a watcher says of its own stream


async def test_ack_beyond_what_was_sent_gets_an_error(alice: User, conversation: Conversation) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        await tab.send(type="ack", seq=1)
        await tab.send(type="ack", seq=2)
        error = await tab.until("error")
        assert (error["data"]["field"], error["data"]["rule"]) == ("seq", "not_sent")
        await appender.append(conversation.pk, debates.status(Status.ACTIVE))
        await tab.until("status", status="active")
        await tab.send(type="ack", seq=2, waited_ms=5)
        await tab.send(type="ping")
        await tab.until("pong")
    assert [frame["type"] for frame in tab.frames].count("error") == 1


async def test_pause_stream_holds_one_stream_and_loses_nothing(
    alice: User, conversation: Conversation
) -> None:
    async with (
        browser(alice, path_of(conversation)) as holding,
        browser(alice, path_of(conversation)) as other,
    ):
        await holding.until("status")
        await holding.send(type="control", action="pause_stream")
        await holding.until("stream", state="paused")
        events = debates.every_event()
        for event in events:
            await appender.append(conversation.pk, event)
        await other.until_closed()
        await holding.send(type="ping")
        assert ((await holding.next()) or {})["type"] == "pong"
        await holding.send(type="control", action="resume_stream")
        await holding.until("stream", state="streaming")
        await holding.until_closed()
    stored = await debates.state(conversation)
    assert fold_frames(holding.frames) == fold_frames(other.frames) == stored
    assert (holding.closed, other.closed) == (1000, 1000)
    # To hold a stream is no command to the debate.
    assert [frame["type"] for frame in other.frames if frame["type"] == "stream"] == []


async def test_pause_stream_without_a_stream_gets_an_error(alice: User) -> None:
    async with browser(alice, NEW) as tab:
        await tab.send(type="control", action="pause_stream")
        error = await tab.until("error")
    assert (error["data"]["field"], error["data"]["rule"]) == ("type", "not_watching")


async def test_command_may_be_the_first_frame(alice: User, conversation: Conversation) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.send(type="control", action="pause")
        await tab.until("control", action="pause")
    assert [frame["type"] for frame in tab.frames if frame["seq"] is None] == ["hello"]


async def test_lone_surrogate_in_a_key_gets_an_error(alice: User, conversation: Conversation) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.send('{"type": "control", "action": "pause", "idempotency_key": "\\ud800"}')
        error = await tab.until("error")
        await tab.send(type="ping")
        await tab.until("pong")
    assert (error["data"]["field"], error["data"]["idempotency_key"]) == ("idempotency_key", None)


async def test_rate_limited_events_come_as_stored(alice: User, finished: Conversation) -> None:
    async with browser(alice, path_of(finished) + "?rate=1000") as tab:
        await tab.until_closed()
    entries = await database.call(queries.read, finished.pk, 0, 1000)
    assert tab.texts[1:] == [entry.text for entry in entries]
    assert tab.closed == 1000


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("rate", ["", "0", "-1", "x", "1.5", "10001", "9" * 5000])
async def test_bad_rate_closes_with_4400(alice: User, finished: Conversation, rate: str) -> None:
    assert await refused(alice, path_of(finished) + f"?rate={rate}") == ([], 4400)
