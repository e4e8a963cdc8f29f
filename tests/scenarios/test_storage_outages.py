"""The database goes away under a debate: it waits and goes on, nothing is lost or doubled, and people are told."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections
from django.utils import timezone
from pytest_django import Settings

from conversations.domain.enums import Action
from conversations.domain.errors import LogUnavailable, StorageFull
from conversations.domain.events import Control, EventData, HumanMessage
from conversations.event_log import appender as log
from conversations.event_log import commands, store
from conversations.infrastructure import database
from conversations.models import Conversation
from tests.fakes.waiting import PATIENCE_SECONDS, Signal
from tests.support import debates
from tests.support.outages import Disk, Line, Lines, Outage

pytestmark = pytest.mark.django_db(transaction=True)


def said(number: int, length: int = 0) -> HumanMessage:
    return HumanMessage(author="run", text=str(number).ljust(length, "."))


async def texts(conversation: Conversation) -> list[str]:
    """What was said, in order; the log is numbered without a gap."""
    rows = await debates.rows(conversation)
    assert [seq for seq, _, _ in rows] == list(range(1, len(rows) + 1))
    assert (await debates.fresh(conversation)).head == len(rows)
    return [data["text"].rstrip(".") for _, _, data in rows[1:]]


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return debates.create(alice)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    caplog.set_level(logging.WARNING, "conversations.infrastructure.availability")
    return Lines(caplog)


class Tries:
    """Counts the writer's tries to store."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.begun = self.failed = 0
        self._signal = Signal()
        self._store = store.store_batch
        # Called after a try that went well, and after one that failed; in the writer's thread.
        self.after: Callable[[], None] | None = None
        self.between: Callable[[], None] | None = None
        patched.setattr(store, "store_batch", self.store)

    def store(self, appends: Sequence[store.Append], tries: list[store.Stored] | None = None) -> store.Stored:
        self.begun += 1
        self._signal.notify()
        try:
            stored = self._store(appends, tries)
            if self.after is not None:
                self.after()
        except Exception:
            self.failed += 1
            if self.between is not None:
                self.between()
            raise
        finally:
            self._signal.notify()
        return stored

    async def until_failed(self, times: int) -> None:
        await self._signal.until(lambda: self.failed >= times)


@pytest.fixture
def tries(conversation: Conversation, monkeypatch: pytest.MonkeyPatch) -> Tries:
    return Tries(monkeypatch)


# The log waits


async def test_run_stores_everything_once_and_in_order_after_an_outage(
    conversation: Conversation, outage: Outage, tries: Tries
) -> None:
    appender = log.Appender(conversation.pk, await debates.claim(conversation))
    appender.put(said(0))
    await appender.flush()
    await asyncio.to_thread(outage.begin)
    for number in range(1, 40):
        appender.put(said(number))
        if number % 10 == 0:
            await tries.until_failed(number // 10)
    outage.end()
    await appender.flush()
    assert await texts(conversation) == [str(number) for number in range(40)]


async def test_run_whose_lease_lapsed_in_an_outage_goes_on(
    conversation: Conversation, outage: Outage, tries: Tries, settings: Settings
) -> None:
    run = await debates.claim(conversation)
    await debates.lapse(conversation)
    await asyncio.to_thread(outage.begin)
    appender = log.Appender(conversation.pk, run)
    appender.put(said(0))
    await tries.until_failed(1)
    outage.end()
    await appender.flush()
    # What comes a moment later finds a lease.
    await log.append(conversation.pk, said(1), run=run)
    assert await texts(conversation) == ["0", "1"]
    lease = (await debates.fresh(conversation)).lease_until
    assert lease is not None
    assert lease > timezone.now()


async def test_commit_is_slow_while_the_database_is_unavailable(
    conversation: Conversation, outage: Outage, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "SLOW_COMMIT_SECONDS", 0)
    assert not log.is_commit_slow()
    await asyncio.to_thread(outage.begin)
    appending = asyncio.create_task(log.append(conversation.pk, said(0)))
    await tries.until_failed(1)
    assert log.is_commit_slow()
    outage.end()
    await appending
    await asyncio.to_thread(log.close)
    assert not log.is_commit_slow()


async def test_a_database_that_is_away_for_too_long_ends_the_run(
    conversation: Conversation, outage: Outage, tries: Tries, settings: Settings
) -> None:
    settings.OUTCRY_DATABASE_PATIENCE_SECONDS = 0.2
    appender = log.Appender(conversation.pk, await debates.claim(conversation))
    await asyncio.to_thread(outage.begin)
    appender.put(said(0))
    with pytest.raises(LogUnavailable):
        await appender.flush()
    assert tries.failed >= 2
    outage.end()
    # Nothing follows on a loss.
    with pytest.raises(LogUnavailable):
        appender.put(said(1))
    assert await texts(conversation) == []


async def test_closing_the_log_in_an_outage_takes_seconds(
    conversation: Conversation, outage: Outage, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "CLOSE_SECONDS", 0.1)
    await asyncio.to_thread(outage.begin)
    appending = asyncio.create_task(log.append(conversation.pk, said(0)))
    await tries.until_failed(1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.to_thread(log.close)
    with pytest.raises(LogUnavailable):
        await appending


# A commit whose answer is lost


async def test_batch_that_was_stored_before_a_failure_is_not_stored_again(
    conversation: Conversation, alice: User, tries: Tries
) -> None:
    other = await debates.created(alice)
    run = await debates.claim(conversation)

    def lose_the_first() -> None:
        tries.after = None
        raise OperationalError("the answer was lost")

    tries.after = lose_the_first
    appender = log.Appender(conversation.pk, run)
    message = uuid4()
    events: list[EventData] = [debates.message_start(message), *debates.tokens(message, ["One ", "two", "."])]
    for event in events:
        appender.put(event)
    appending = asyncio.create_task(log.append(other.pk, said(1)))
    await appender.flush()
    await appending
    assert tries.failed == 1
    assert await texts(other) == ["1"]
    rows = await debates.rows(conversation)
    assert [type_ for _, type_, _ in rows].count("message_start") == 1
    assert "".join(data["text"] for _, type_, data in rows if type_ == "token") == "One two."
    assert (await debates.fresh(conversation)).head == len(rows)


async def test_what_was_not_stored_is_stored_behind_what_came_between(
    conversation: Conversation, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper: Any = type(connections["default"])
    commit, failing = wrapper._commit, [True]

    def fail_once(self: Any) -> None:
        if failing:
            failing.pop()
            raise OperationalError("the line broke before the commit")
        commit(self)

    def say_between() -> None:
        tries.between = None
        store.store_batch([store.Append(conversation.pk, None, [said(9)], timezone.now())])

    monkeypatch.setattr(wrapper, "_commit", fail_once)
    tries.between = say_between
    await log.append(conversation.pk, said(1))
    assert await texts(conversation) == ["9", "1"]


@pytest.mark.postgres
async def test_commit_whose_answer_is_lost_is_not_repeated(
    conversation: Conversation, outage: Outage
) -> None:
    if not isinstance(outage, Line):
        pytest.skip("SQLite has no line that could break")
    run = await debates.claim(conversation)
    await log.append(conversation.pk, said(0), run=run)
    outage.lose_commit()
    await log.append(conversation.pk, said(1), said(2), run=run)
    assert outage.lost.is_set()
    await log.append(conversation.pk, said(3), run=run)
    assert await texts(conversation) == ["0", "1", "2", "3"]


@pytest.fixture
def own_connection(conversation: Conversation) -> int:
    """The server's number for the test's own connection to PostgreSQL."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections to end")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.postgres
async def test_connections_that_an_administrator_ends_are_replaced(
    conversation: Conversation, own_connection: int
) -> None:
    def end_all_others() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid NOT IN (%s, pg_backend_pid())",
                [own_connection],
            )
        connection.close()

    appender = log.Appender(conversation.pk, await debates.claim(conversation))
    for number in range(20):
        appender.put(said(number))
        if number % 5 == 0:
            await appender.flush()
            await asyncio.to_thread(end_all_others)
    await appender.flush()
    assert await texts(conversation) == [str(number) for number in range(20)]


# What a run reads, and what people ask for


async def test_what_a_run_needs_is_read_when_the_database_is_back(
    conversation: Conversation, outage: Outage
) -> None:
    failed = Signal()
    failures = 0

    def ours() -> int:
        nonlocal failures
        try:
            return Conversation.objects.filter(pk=conversation.pk).update(topic="Changed")
        except OperationalError:
            failures += 1
            failed.notify()
            raise

    await asyncio.to_thread(outage.begin)
    reading = asyncio.create_task(database.call(ours, retry=True))
    await failed.until(lambda: failures >= 2)
    outage.end()
    assert await reading == 1


async def test_patience_ends(conversation: Conversation, outage: Outage, settings: Settings) -> None:
    settings.OUTCRY_DATABASE_PATIENCE_SECONDS = 0.1
    await asyncio.to_thread(outage.begin)
    with pytest.raises(LogUnavailable):
        await database.call(
            lambda: Conversation.objects.filter(pk=conversation.pk).update(topic="Changed"), retry=True
        )


async def test_command_during_an_outage_fails_soon_and_is_never_stored(
    conversation: Conversation, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "REQUEST_SECONDS", 0.1)
    await asyncio.to_thread(outage.begin)
    with pytest.raises(LogUnavailable) as refused:
        await commands.submit(conversation.pk, Control(action=Action.PAUSE, actor="alice"))
    assert refused.value.code == "log_unavailable"
    outage.end()
    await asyncio.to_thread(log.close)
    assert len(await debates.rows(conversation)) == 1


# A full disk


async def test_a_running_debate_waits_until_there_is_room_again(
    conversation: Conversation, disk: Disk, tries: Tries
) -> None:
    appender = log.Appender(conversation.pk, await debates.claim(conversation))
    disk.begin()
    for number in range(20):
        appender.put(said(number, 20_000))
    await tries.until_failed(2)
    # Nothing is half-written.
    await texts(conversation)
    disk.end()
    await appender.flush()
    assert await texts(conversation) == [str(number) for number in range(20)]


async def test_a_disk_that_stays_full_is_told_as_what_it_is(
    conversation: Conversation, disk: Disk, settings: Settings, lines: Lines
) -> None:
    settings.OUTCRY_DATABASE_PATIENCE_SECONDS = 0.2
    disk.begin()
    with pytest.raises(StorageFull) as refused:
        await log.append(conversation.pk, *(said(number, 20_000) for number in range(20)))
    assert refused.value.message == "The server's disk is full; nothing was stored."
    assert await texts(conversation) == []
    assert [(line["event"], line["reason"]) for line in lines.all()] == [("database_away", "storage_full")]


# What the server's log says


async def test_outage_is_logged_once_when_it_begins_and_once_when_it_ends(
    conversation: Conversation, outage: Outage, tries: Tries, lines: Lines
) -> None:
    await asyncio.to_thread(outage.begin)
    appending = asyncio.create_task(log.append(conversation.pk, said(0)))
    writing = asyncio.create_task(
        database.call(
            lambda: Conversation.objects.filter(pk=conversation.pk).update(topic="Changed"), retry=True
        )
    )
    await tries.until_failed(3)
    assert lines.events() == ["database_away"]
    outage.end()
    await asyncio.gather(appending, writing)
    assert lines.events() == ["database_away", "database_back"]
    assert lines.all()[-1]["seconds"] >= 0
