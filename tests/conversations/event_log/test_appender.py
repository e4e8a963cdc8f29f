"""The log: numbered without a gap, written by its owner only, never changed, and honest when it cannot be written."""

import asyncio
import contextlib
import math
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.db.models import ProtectedError
from django.utils import timezone
from pytest_django import Settings

from conversations.domain.enums import Mode, Status
from conversations.domain.errors import Fenced, LogUnavailable, NotFound
from conversations.domain.events import EventData, HumanMessage, Token
from conversations.event_log import appender as log
from conversations.event_log import notifier, queries, store
from conversations.infrastructure import database
from conversations.models import Conversation, Event
from tests.fakes.waiting import PATIENCE_SECONDS, Signal
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)


def said(author: str, number: int) -> HumanMessage:
    return HumanMessage(author=author, text=str(number))


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return debates.create(alice)


@pytest.fixture
def another(alice: User) -> Conversation:
    return debates.create(alice)


class Writer:
    """Stands before the log's writer: holds commits up, has them fail, and counts them."""

    def __init__(self, store: Callable[..., store.Stored]) -> None:
        self.commits: list[int] = []
        self.failing: set[int] = set()
        self._store = store
        self._allowed = math.inf
        self._signal = Signal()

    def store(self, appends: Sequence[store.Append], *more: Any) -> store.Stored:
        self.commits.append(len(appends))
        number = len(self.commits)
        self._signal.notify()
        self._signal.block_until(lambda: self._allowed >= number)
        if number in self.failing:
            raise OperationalError("disk full at /secret/path")
        return self._store(appends, *more)

    async def hold(self, conversation: UUID) -> "asyncio.Task[None]":
        """Have the writer busy with one event until `release`; what comes now gathers behind it."""
        self._allowed = len(self.commits)
        first = asyncio.create_task(log.append(conversation, said("first", 0)))
        await self._signal.until(lambda: len(self.commits) > self._allowed)
        return first

    async def step(self) -> None:
        """Let the commit that is held up through, and hold up the next."""
        self._allowed += 1
        self._signal.notify()
        await self._signal.until(lambda: len(self.commits) > self._allowed)

    def release(self) -> None:
        self._allowed = math.inf
        self._signal.notify()


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    writer = Writer(store.store_batch)
    monkeypatch.setattr(store, "store_batch", writer.store)
    yield writer
    writer.release()


async def together(*work: Coroutine[Any, Any, None]) -> "asyncio.Future[list[BaseException | None]]":
    """All of it under way, in this order, and handed to the log."""
    tasks = [asyncio.create_task(one) for one in work]
    await asyncio.sleep(0)
    return asyncio.gather(*tasks, return_exceptions=True)


# One ordered log


async def test_twenty_writers_at_once_leave_no_gap_and_keep_their_own_order(
    conversation: Conversation,
) -> None:
    each = 15

    async def append_all(author: str) -> None:
        for number in range(each):
            await log.append(conversation.pk, said(author, number))

    def in_its_own_loop(author: str) -> None:
        asyncio.run(append_all(author))

    def as_another_process(author: str) -> None:
        for number in range(each):
            store.store_batch([store.Append(conversation.pk, None, [said(author, number)], timezone.now())])

    await asyncio.gather(
        *(append_all(f"task {n}") for n in range(14)),
        *(asyncio.to_thread(in_its_own_loop, f"loop {n}") for n in range(3)),
        *(database.call(as_another_process, f"process {n}") for n in range(3)),
    )
    rows = await debates.rows(conversation)
    assert [seq for seq, _, _ in rows] == list(range(1, 20 * each + 2))
    heard: dict[str, list[int]] = defaultdict(list)
    for _, _, data in rows[1:]:
        heard[data["author"]].append(int(data["text"]))
    assert len(heard) == 20
    assert all(numbers == list(range(each)) for numbers in heard.values())
    assert (await debates.fresh(conversation)).head == 20 * each + 1


async def test_each_conversation_of_a_batch_has_numbers_of_its_own(
    conversation: Conversation, another: Conversation, writer: Writer
) -> None:
    first = await writer.hold(conversation.pk)
    appended = await together(
        *(log.append(one.pk, said("alice", number)) for number in range(3) for one in (conversation, another))
    )
    writer.release()
    await first
    await appended
    assert writer.commits == [1, 6]
    assert [seq for seq, _, _ in await debates.rows(conversation)] == [1, 2, 3, 4, 5]
    assert [seq for seq, _, _ in await debates.rows(another)] == [1, 2, 3, 4]


# Group commit


async def test_a_lone_token_is_committed_at_once_and_alone(
    conversation: Conversation, writer: Writer
) -> None:
    message = uuid4()
    await log.append(conversation.pk, debates.message_start(message))
    for token in debates.tokens(message, ["One ", "by ", "one."]):
        await log.append(conversation.pk, token)
    assert writer.commits == [1, 1, 1, 1]
    assert [data["text"] for _, type_, data in await debates.rows(conversation) if type_ == "token"] == [
        "One ",
        "by ",
        "one.",
    ]


async def test_under_load_neighbouring_tokens_of_a_message_become_one_row(
    conversation: Conversation, writer: Writer
) -> None:
    one, two = uuid4(), uuid4()
    words = [f"w{n} " for n in range(100)]
    events: list[EventData] = [debates.message_start(one), *debates.tokens(one, words)]
    events += [debates.message_start(two), *debates.tokens(two, ["a", "b"]), debates.token(one, "!", 390)]
    first = await writer.hold(conversation.pk)
    appended = await together(*(log.append(conversation.pk, event) for event in events))
    writer.release()
    await first
    await appended
    assert writer.commits == [1, len(events)]
    stored = [data for _, type_, data in await debates.rows(conversation) if type_ == "token"]
    assert [(data["message"], data["offset"], data["text"], data["token_count"]) for data in stored] == [
        (str(one), 0, "".join(words), 100),
        (str(two), 0, "ab", 2),
        (str(one), 390, "!", 1),
    ]


async def test_a_run_far_ahead_of_the_database_waits_for_it(
    conversation: Conversation, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_PENDING", 3)
    run = await debates.claim(conversation)
    appender = log.Appender(conversation.pk, run)
    first = await writer.hold(conversation.pk)
    for number in range(3):
        await appender.drain()
        appender.put(said("run", number))
    fourth = asyncio.create_task(appender.drain())
    await asyncio.sleep(0)
    assert not fourth.done()
    writer.release()
    await fourth
    appender.put(said("run", 3))
    await appender.flush()
    await first
    assert [data["text"] for _, _, data in (await debates.rows(conversation))[2:]] == ["0", "1", "2", "3"]


async def test_closing_the_log_stores_what_is_waiting(conversation: Conversation, writer: Writer) -> None:
    first = await writer.hold(conversation.pk)
    appended = await together(log.append(conversation.pk, said("alice", 1)))
    closing = asyncio.create_task(asyncio.to_thread(log.close))
    writer.release()
    await closing
    await first
    assert await appended == [None]
    assert len(await debates.rows(conversation)) == 3


# The fence


async def test_a_run_that_lost_the_conversation_stores_nothing_and_is_told(
    conversation: Conversation,
) -> None:
    lost = await debates.claim(conversation)
    owner = await debates.claim(conversation)
    await log.append(conversation.pk, said("owner", 1), run=owner)
    with pytest.raises(Fenced) as refused:
        await log.append(conversation.pk, said("loser", 1), said("loser", 2), run=lost)
    assert refused.value.code == "fenced"
    await log.append(conversation.pk, said("owner", 2), run=owner)
    assert [data["author"] for _, _, data in (await debates.rows(conversation))[1:]] == ["owner", "owner"]
    assert (await debates.fresh(conversation)).head == 3


async def test_a_run_may_write_nothing_after_its_conversation_ended(conversation: Conversation) -> None:
    run = await debates.claim(conversation)
    await log.append(conversation.pk, debates.status(Status.COMPLETED), run=run)
    with pytest.raises(Fenced):
        await log.append(conversation.pk, said("late", 1), run=run)


async def test_a_run_whose_lease_has_lapsed_stores_nothing_and_is_told(conversation: Conversation) -> None:
    run = await debates.claim(conversation)
    # A lease that was never taken does not lapse.
    await log.append(conversation.pk, said("run", 1), run=run)
    await debates.lapse(conversation)
    with pytest.raises(Fenced) as refused:
        await log.append(conversation.pk, said("run", 2), run=run)
    assert refused.value.message == "The lease of this run has expired."
    await log.append(conversation.pk, said("alice", 1))
    assert [data["author"] for _, _, data in (await debates.rows(conversation))[1:]] == ["run", "alice"]


async def test_a_lease_that_lapsed_while_the_database_kept_the_writer_waiting_is_renewed(
    conversation: Conversation, writer: Writer
) -> None:
    run = await debates.claim(conversation)
    await debates.lapse(conversation)
    writer.failing.add(1)
    await log.append(conversation.pk, said("run", 1), run=run)
    row = await debates.fresh(conversation)
    assert row.lease_until is not None
    assert row.lease_until > timezone.now()
    assert (row.run, row.head) == (run, 2)


async def test_a_run_whose_conversation_was_taken_over_during_an_outage_stores_nothing(
    conversation: Conversation, writer: Writer
) -> None:
    lost = await debates.claim(conversation)
    await debates.lapse(conversation)
    owner = await debates.claim(conversation)
    writer.failing.add(1)
    with pytest.raises(Fenced):
        await log.append(conversation.pk, said("lost", 1), run=lost)
    assert len(await debates.rows(conversation)) == 1
    assert (await debates.fresh(conversation)).run == owner


async def test_a_refused_append_harms_no_other_of_its_batch(
    conversation: Conversation, another: Conversation, writer: Writer
) -> None:
    owner = await debates.claim(another)
    first = await writer.hold(conversation.pk)
    appended = await together(
        log.append(conversation.pk, said("alice", 1)),
        log.append(another.pk, said("loser", 1), run=uuid4()),
        log.append(uuid4(), said("nobody", 1)),
        log.append(another.pk, said("owner", 1), run=owner),
        log.append(conversation.pk, said("alice", 2)),
    )
    writer.release()
    await first
    outcomes = [type(outcome) for outcome in await appended]
    assert writer.commits == [1, 5]
    assert outcomes == [type(None), Fenced, NotFound, type(None), type(None)]
    assert [data["text"] for _, _, data in (await debates.rows(conversation))[2:]] == ["1", "2"]
    assert [data["author"] for _, _, data in (await debates.rows(another))[1:]] == ["owner"]


async def test_a_fenced_run_hears_of_it_at_its_next_event_or_flush(conversation: Conversation) -> None:
    appender = log.Appender(conversation.pk, uuid4())
    appender.put(said("loser", 1))
    with pytest.raises(Fenced):
        await appender.flush()
    with pytest.raises(Fenced):
        appender.put(said("loser", 2))
    assert len(await debates.rows(conversation)) == 1


# Never changed


def test_events_can_neither_be_changed_nor_deleted(conversation: Conversation) -> None:
    event = conversation.events.get()
    event.data = {"status": "completed"}
    for change in (
        event.save,
        event.delete,
        conversation.events.all().delete,
        lambda: conversation.events.update(seq=2),
        lambda: Event.objects.bulk_update([event], ["data"]),
        lambda: Event.objects.create(
            conversation=conversation, seq=2, type="error", data={}, at=timezone.now()
        ),
    ):
        with pytest.raises(TypeError, match="Events are"):
            change()
    with pytest.raises(ProtectedError):
        conversation.delete()
    assert list(conversation.events.values_list("seq", "data")) == [
        (1, {"status": "queued", "mode": "live", "reason": None})
    ]


# When the database fails


@pytest.fixture
def impatient(settings: Settings) -> None:
    """The log does not wait for a database that is away."""
    settings.OUTCRY_DATABASE_PATIENCE_SECONDS = 0


@pytest.mark.usefixtures("impatient")
async def test_a_failed_commit_is_told_and_the_next_one_works(
    conversation: Conversation, writer: Writer
) -> None:
    writer.failing.add(1)
    with pytest.raises(LogUnavailable) as refused:
        await log.append(conversation.pk, said("alice", 1))
    assert refused.value.message == "The conversation could not be stored."
    await log.append(conversation.pk, said("alice", 2))
    assert [(seq, data.get("text")) for seq, _, data in await debates.rows(conversation)] == [
        (1, None),
        (2, "2"),
    ]


async def test_a_connection_that_died_is_replaced(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_batch, deaths = store.store_batch, [1]

    def store_on_a_dead_connection(*appends: Any) -> store.Stored:
        if deaths:
            deaths.pop()
            connection.ensure_connection()
            # Behind Django's back, as when the server goes away.
            connection.connection.close()
        return store_batch(*appends)

    monkeypatch.setattr(store, "store_batch", store_on_a_dead_connection)
    # To SQLite that is a fault of ours, to PostgreSQL a lost connection.
    with contextlib.suppress(LogUnavailable):
        await log.append(conversation.pk, said("alice", 1))
    assert deaths == []
    await log.append(conversation.pk, said("alice", 2))
    assert (await debates.rows(conversation))[-1][2]["text"] == "2"


@pytest.mark.usefixtures("impatient")
async def test_of_a_commit_that_fails_half_way_nothing_is_stored(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_heads: dict[UUID, int]) -> None:
        assert Event.objects.filter(type="human_message").count() == 2
        raise OperationalError("after the rows, before the heads")

    monkeypatch.setattr(store, "_advance", fail)
    with pytest.raises(LogUnavailable):
        await log.append(conversation.pk, said("alice", 1), said("alice", 2))
    assert [seq for seq, _, _ in await debates.rows(conversation)] == [1]


@pytest.mark.usefixtures("impatient")
async def test_a_run_stores_nothing_behind_an_event_that_could_not_be_stored(
    conversation: Conversation, writer: Writer
) -> None:
    run, message = await debates.claim(conversation), uuid4()
    appender = log.Appender(conversation.pk, run)
    first = await writer.hold(conversation.pk)
    writer.failing.add(2)
    appender.put(debates.message_start(message))
    await writer.step()
    appender.put(debates.token(message, "word "))
    writer.release()
    await first
    with pytest.raises(LogUnavailable):
        await appender.flush()
    await asyncio.to_thread(log.close)
    # Else the log has a token of a message that never began, and cannot be folded any more.
    assert [type_ for _, type_, _ in await debates.rows(conversation)] == ["status", "human_message"]


# The conversation's row restates its log


async def test_the_conversation_says_what_its_events_say(conversation: Conversation) -> None:
    run = await debates.claim(conversation)
    await log.append(conversation.pk, debates.status(Status.ACTIVE), run=run)
    row = await debates.fresh(conversation)
    assert (row.status, row.mode, row.reason, row.head, row.finished_at, row.run) == (
        "active", "live", None, 2, None, run,
    )  # fmt: skip
    verdict = debates.complete()
    await log.append(conversation.pk, verdict, debates.status(Status.COMPLETED, reason="spoken"), run=run)
    row = await debates.fresh(conversation)
    last = await database.call(lambda: row.events.get(seq=4))
    assert (row.status, row.reason, row.head, row.run, row.lease_until) == (
        "completed",
        "spoken",
        4,
        None,
        None,
    )
    assert row.finished_at == last.at
    assert row.verdict is not None
    assert row.verdict["verdict"] == "buy"
    assert row.cost == Decimal("0.0125")


async def test_an_unknown_cost_is_stored_as_unknown(conversation: Conversation) -> None:
    unknown = debates.complete().cost_summary.model_copy(update={"usd": None})
    await log.append(conversation.pk, debates.complete(cost_summary=unknown))
    assert (await debates.fresh(conversation)).cost is None


async def test_a_demo_message_makes_the_whole_conversation_a_demo(conversation: Conversation) -> None:
    start = debates.message_start(uuid4(), mode=Mode.DEMO)
    await log.append(conversation.pk, start, debates.agent_message(start, "Scripted."))
    assert (await debates.fresh(conversation)).mode == "demo"


# Reading and ringing


async def test_the_log_is_read_in_pages_from_any_cursor(conversation: Conversation) -> None:
    await log.append(conversation.pk, *(said("alice", number) for number in range(2, 8)))
    page = await database.call(queries.read, conversation.pk, 2, 3)
    assert [entry.seq for entry in page] == [3, 4, 5]
    assert await database.call(queries.read, conversation.pk, 7, 3) == []


async def test_the_group_is_rung_after_each_commit_with_what_was_stored(conversation: Conversation) -> None:
    layer = get_channel_layer()
    assert layer is not None
    channel = await layer.new_channel()
    await layer.group_add(notifier.group_name(conversation.pk), channel)
    await log.append(conversation.pk, said("alice", 1), said("alice", 2))
    async with asyncio.timeout(PATIENCE_SECONDS):
        ring = await layer.receive(channel)
    stored = await database.call(queries.read, conversation.pk, 1, 10)
    assert ring["head"] == 3
    assert ring["first"] == 2
    assert ring["types"] == [entry.type for entry in stored]
    assert ring["frames"] == stored


async def test_a_ring_that_would_be_too_large_only_says_where_the_head_is(conversation: Conversation) -> None:
    long = Token(message=uuid4(), offset=0, text="x" * notifier.MAX_CHARACTERS, token_count=1)
    layer = get_channel_layer()
    assert layer is not None
    channel = await layer.new_channel()
    await layer.group_add(notifier.group_name(conversation.pk), channel)
    await log.append(conversation.pk, long)
    async with asyncio.timeout(PATIENCE_SECONDS):
        ring = await layer.receive(channel)
    assert (ring["head"], ring["frames"]) == (2, [])


async def test_the_log_is_written_though_the_channel_layer_fails(
    conversation: Conversation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one of a single process cannot fail.
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

    async def away(*_: object) -> None:
        raise ConnectionError("no channel layer")

    monkeypatch.setattr(get_channel_layer(), "group_send", away)
    await log.append(conversation.pk, said("alice", 1))
    await asyncio.gather(*notifier.tasks.here())
    assert len(await debates.rows(conversation)) == 2


def test_the_position_of_an_unknown_conversation_is_not_found(alice: User) -> None:
    with pytest.raises(NotFound):
        queries.position(uuid4())


class Untyped(EventData, type=cast("str", None)):
    """An event that no database stores: its type is null."""


async def test_one_conversations_fault_is_no_others(
    conversation: Conversation, alice: User, writer: Writer
) -> None:
    other = await database.call(debates.create, alice)
    first = await writer.hold(conversation.pk)
    both = await together(log.append(other.pk, Untyped()), log.append(conversation.pk, said("alice", 1)))
    writer.release()
    await first
    refused, stored = await both
    assert isinstance(refused, LogUnavailable)
    assert stored is None
    assert len(await debates.rows(conversation)) == 3
    assert len(await debates.rows(other)) == 1
