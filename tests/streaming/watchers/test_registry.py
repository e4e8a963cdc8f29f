"""All watchers of a process: closed when their session ends or the server restarts, and sent operators' notices."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import InterfaceError, OperationalError

from conversations.access.principals import Principal
from conversations.domain.enums import Status
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import Conversation
from streaming.hub import reader
from streaming.watchers import registry, session_guard
from streaming.watchers import watcher as watcher_module
from streaming.watchers.registry import broadcast
from streaming.watchers.watcher import Watcher
from streaming.wire.close_codes import Close
from tests.fakes.waiting import PATIENCE_SECONDS, Signal
from tests.streaming.watchers.test_session_guard import ENDS, signed_in
from tests.support import debates
from tests.support.clock import settled
from tests.support.sockets import Browser, browser, path_of
from tests.support.watchers import Line

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "/ws/conversations/"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(registry, "TICK_SECONDS", 0.05)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> "Looks":
    return Looks(monkeypatch)


class Looks:
    """Sessions are looked at all the time; `next` returns once a look that began after the call is over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = self.ended = 0
        self.failure: Exception | None = None
        self._signal = Signal()
        self._look = session_guard.refused
        monkeypatch.setattr(registry, "CHECK_SECONDS", 0.02)
        monkeypatch.setattr(session_guard, "refused", self._refused)

    def _refused(self, watching: list[session_guard.Watching]) -> dict[session_guard.Watching, Close]:
        self.begun += 1
        try:
            if self.failure is not None:
                raise self.failure
            return self._look(watching)
        finally:
            self.ended += 1
            self._signal.notify()

    async def next(self) -> None:
        wanted = self.begun + 2
        await self._signal.until(lambda: self.ended >= wanted)


async def closed(tab: Browser) -> int | None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await tab.until_closed()
    return tab.closed


def test_ended_session_is_closed_within_five_seconds() -> None:
    """Also where the client does not even take the close."""
    assert registry.CHECK_SECONDS + watcher_module.REVOKED_SECONDS + registry.TICK_SECONDS < 5


# Sessions that end


@pytest.mark.parametrize("end", ENDS)
async def test_ended_session_closes_its_connection_only(
    alice: User, bob: User, conversation: Conversation, looks: Looks, end: Callable[[User, object], None]
) -> None:
    async with browser(alice, path_of(conversation)) as staying, browser(bob, NEW) as going:
        await staying.until("status")
        await looks.next()
        [watcher] = [found for found in registry.registry().watchers.values() if found.principal.user == bob]
        await database.call(end, bob, watcher.principal)
        assert await closed(going) == 4401
        await looks.next()
        await appender.append(conversation.pk, debates.status(Status.ACTIVE))
        await staying.until("status", status="active")
    assert staying.closed is None


async def test_ended_session_closes_all_its_connections(
    alice: User, conversation: Conversation, looks: Looks
) -> None:
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(browser(alice, path_of(conversation))) for _ in range(3)]
        for tab in tabs:
            await tab.until("status")
        key = next(iter(registry.registry().watchers.values())).principal.session
        await database.call(Session.objects.filter(session_key=key).delete)
        assert await closed(tabs[0]) == 4401
        await looks.next()
        await appender.append(conversation.pk, debates.status(Status.ACTIVE))
        for tab in tabs[1:]:
            await tab.until("status", status="active")


async def test_lost_review_right_closes_only_others_debates(
    alice: User, carol: User, conversation: Conversation, looks: Looks
) -> None:
    own = await database.call(debates.create, carol)
    async with (
        browser(carol, path_of(conversation)) as going,
        browser(carol, path_of(own)) as staying,
        browser(alice, path_of(conversation)) as owner,
    ):
        for tab in (going, staying, owner):
            await tab.until("status")
        await database.call(carol.user_permissions.clear)
        assert await closed(going) == 4403
        await looks.next()
        for tab, debate in ((staying, own), (owner, conversation)):
            await appender.append(debate.pk, debates.status(Status.ACTIVE))
            await tab.until("status", status="active")


@pytest.mark.parametrize("failure", [OperationalError("away"), InterfaceError("connection already closed")])
async def test_database_outage_defers_closing_ended_sessions(
    alice: User, conversation: Conversation, looks: Looks, failure: Exception
) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        looks.failure = failure
        await looks.next()
        await database.call(Session.objects.all().delete)
        await looks.next()
        await appender.append(conversation.pk, debates.status(Status.ACTIVE))
        await tab.until("status", status="active")
        looks.failure = None
        assert await closed(tab) == 4401


async def test_checks_start_again_after_all_have_left(
    alice: User, conversation: Conversation, looks: Looks
) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
    await settled()
    assert registry.registry().watchers == {}
    assert registry.registry()._tasks == []
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        await database.call(Session.objects.all().delete)
        assert await closed(tab) == 4401


# Words to all


async def heard(tab: Browser, text: str) -> None:
    await tab.until("notice", text=text)


async def test_notice_reaches_every_connection(
    alice: User, carol: User, conversation: Conversation, layer: str
) -> None:
    other = await database.call(debates.create, carol)
    async with AsyncExitStack() as stack:
        tabs = [
            await stack.enter_async_context(browser(person, path))
            for person, path in (
                (alice, path_of(conversation)),
                (alice, path_of(conversation)),
                (carol, path_of(other)),
                (carol, NEW),
            )
        ]
        for tab in tabs[:3]:
            await tab.until("status")
        hearing = [asyncio.create_task(heard(tab, "We restart at noon.")) for tab in tabs]
        # A notice is sent once; that somebody listens by now, and that this layer loses some, is not told.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not all(task.done() for task in hearing):
                await broadcast("We restart at noon.")
                await asyncio.wait(hearing, timeout=0.05)
        await asyncio.gather(*hearing)
        assert all(frame["seq"] is None for tab in tabs for frame in tab.frames if frame["type"] == "notice")
        for tab, debate in ((tabs[0], conversation), (tabs[2], other)):
            [told, *_] = [frame for frame in tab.frames if frame["type"] == "notice"]
            assert told["conversation"] == str(debate.pk)
        assert next(frame["conversation"] for frame in tabs[3].frames if frame["type"] == "notice") is None


async def test_notice_is_received_once(alice: User, conversation: Conversation) -> None:
    async with browser(alice, path_of(conversation)) as tab:
        await tab.until("status")
        layer = get_channel_layer()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while registry.GROUP not in layer.groups:  # type: ignore[union-attr]
                await asyncio.sleep(0)
        await broadcast("Once.")
        await heard(tab, "Once.")
        await broadcast("Twice.")
        await heard(tab, "Twice.")
        notices = [frame["data"]["text"] for frame in tab.frames if frame["type"] == "notice"]
        assert notices == ["Once.", "Twice."]


async def test_notices_resume_after_channel_layer_outage(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = get_channel_layer()
    group_add, failures = layer.group_add, [ConnectionError("away"), ConnectionError("away")]  # type: ignore[union-attr]

    async def unsteady(group: str, channel: str) -> None:
        if group == registry.GROUP and failures:
            raise failures.pop()
        await group_add(group, channel)

    monkeypatch.setattr(layer, "group_add", unsteady)
    async with browser(alice, path_of(conversation)) as tab:
        hearing = asyncio.create_task(heard(tab, "Back."))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not hearing.done():
                await broadcast("Back.")
                await asyncio.wait([hearing], timeout=0.05)
    assert failures == []


# A restart


async def test_restart_closes_all_with_4501(
    alice: User, carol: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As soon as all have gone, nobody waits any longer.
    monkeypatch.setattr(registry, "LEAVE_SECONDS", 1_000.0)
    async with AsyncExitStack() as stack:
        tabs = [
            await stack.enter_async_context(browser(person, path))
            for person, path in ((alice, path_of(conversation)), (carol, path_of(conversation)), (alice, NEW))
        ]
        for tab in tabs[:2]:
            await tab.until("status")
        reading = [asyncio.create_task(closed(tab)) for tab in tabs]
        closing = asyncio.create_task(registry.registry().close_all(Close.RESTART))
        assert await asyncio.gather(*reading) == [4501] * 3
    async with asyncio.timeout(PATIENCE_SECONDS):
        await closing
    assert registry.registry().watchers == {}


async def test_connection_during_restart_is_closed_with_4501(alice: User, conversation: Conversation) -> None:
    await registry.registry().close_all(Close.RESTART)
    async with browser(alice, path_of(conversation)) as late:
        assert await closed(late) == Close.RESTART


async def test_restart_does_not_wait_for_clients_that_stay(
    monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    monkeypatch.setattr(registry, "LEAVE_SECONDS", 0.05)
    principal = await database.call(signed_in, alice)
    lines = [Line() for _ in range(3)]
    present = registry.registry()
    watchers = [watcher_of(principal, line) for line in lines]
    for watcher in watchers:
        present.add(watcher)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await present.close_all(Close.RESTART)
    assert [line.closed for line in lines] == [Close.RESTART] * 3
    for watcher in watchers:
        present.remove(watcher)
    assert present._tasks == []


def watcher_of(principal: Principal, line: Line) -> Watcher:
    return Watcher(principal, "test", line, line.close)


async def test_connection_that_does_not_close_is_aborted(
    monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    monkeypatch.setattr(watcher_module, "CLOSE_SECONDS", 0.05)
    principal = await database.call(signed_in, alice)
    line = Line()
    stuck = watcher_of(principal, line)
    registry.registry().add(stuck)
    stuck.end(Close.SLOW)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not line.aborts:
            await asyncio.sleep(0.01)
    registry.registry().remove(stuck)
