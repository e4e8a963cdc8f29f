"""Following: whole, once and in order, from any cursor, whatever the channel layer loses, repeats or reorders."""

import asyncio
import json
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from uuid import UUID, uuid4

import pytest
from channels.layers import get_channel_layer
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from conversations.domain import transcript
from conversations.domain.enums import Status
from conversations.domain.errors import NotFound
from conversations.domain.events import EventData, HumanMessage
from conversations.domain.frames import Frame
from conversations.event_log import appender, commands, notifier, queries, store
from conversations.infrastructure import database
from conversations.models import Conversation
from streaming.hub import frame_buffer, log_pages, reader
from streaming.hub.reader import reading
from streaming.hub.subscription import follow, subscribe
from tests.fakes.lossy_layer import LossyChannelLayer
from tests.fakes.waiting import PATIENCE_SECONDS, Signal
from tests.support import debates
from tests.support.frames import frame_of_text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is lost is looked for soon; in real life a second later.
    monkeypatch.setattr(reader, "POLL_SECONDS", 0.05)


def script(die: random.Random, messages: int = 6) -> list[EventData]:
    """A conversation after `queued`, with every type of event and messages of many tokens."""
    *events, complete, completed = debates.every_event()
    for _ in range(messages):
        start = debates.message_start(uuid4())
        words = [f"w{die.randrange(1000)} " for _ in range(die.randrange(30, 60))]
        events += [start, *debates.tokens(start.message, words), debates.agent_message(start, "".join(words))]
    return [*events, complete, completed]


async def play(
    conversation: Conversation, events: Sequence[EventData], at: Callable[[int], None], die: random.Random
) -> None:
    """Append all of it, a few at a time and sometimes in a hurry; `at` is told how much has been handed over."""
    place = 0
    under_way: list[Awaitable[None]] = []
    while place < len(events):
        count = die.choice([1, 1, 1, 2, 5, 20])
        under_way.append(
            asyncio.ensure_future(appender.append(conversation.pk, *events[place : place + count]))
        )
        place += count
        at(place)
        if die.random() < 0.7:
            await asyncio.gather(*under_way)
            under_way.clear()
    await asyncio.gather(*under_way)


async def watch(conversation: Conversation, after: int) -> list[Frame]:
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(follow(conversation.pk, after)) as entries:
        return [entry async for entry in entries]


async def assert_whole(conversation: Conversation, received: list[Frame], after: int) -> None:
    """Exactly the stored frames after the cursor; and folded onto the state there, the stored transcript."""
    stored = await database.call(queries.read, conversation.pk, after, 10_000)
    assert [entry.seq for entry in received] == [entry.seq for entry in stored]
    # Decoded, because PostgreSQL's jsonb keeps the values but not the order of keys.
    assert [json.loads(entry.text) for entry in received] == [json.loads(entry.text) for entry in stored]
    rows = await debates.rows(conversation)
    before = transcript.fold(rows[:after])
    assert transcript.fold(
        ((entry.seq, entry.type, entry.data) for entry in received), before
    ) == transcript.fold(rows)


# Whole, once, in order


@pytest.mark.parametrize("seed", range(3))
async def test_whoever_joins_whenever_from_wherever_gets_the_stored_transcript(
    conversation: Conversation, layer: str, seed: int
) -> None:
    die = random.Random(seed)
    events = script(die)
    joins = sorted(die.randrange(len(events)) for _ in range(15))
    watching: list[tuple[int, asyncio.Task[list[Frame]]]] = []

    def join(place: int) -> None:
        while joins and joins[0] <= place:
            joins.pop(0)
            # What is handed over may not be stored yet: a cursor no further than what surely is.
            after = die.randrange(heads[-1] + 1)
            watching.append((after, asyncio.create_task(watch(conversation, after))))

    heads = [1]

    async def note_head() -> None:
        async with aclosing(follow(conversation.pk, 1)) as entries:
            async for entry in entries:
                heads.append(entry.seq)  # noqa: PERF401 (others look at it meanwhile)

    noting = asyncio.create_task(note_head())
    await play(conversation, events, join, die)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await noting
    assert len(watching) == 15
    for after, received in watching:
        await assert_whole(conversation, await received, after)
    assert heads == list(range(1, heads[-1] + 1))


async def test_the_lossy_layer_did_lose_repeat_and_reorder(
    conversation: Conversation, settings: Settings
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.fakes.lossy_layer.LossyChannelLayer"}}
    watching = asyncio.create_task(watch(conversation, 0))
    for event in script(random.Random(1), messages=1):
        await appender.append(conversation.pk, event)
    await assert_whole(conversation, await watching, 0)
    layer = get_channel_layer()
    assert isinstance(layer, LossyChannelLayer)
    assert min(layer.lost, layer.repeated, layer.delayed) > 5


async def test_it_all_comes_though_every_ring_is_lost(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_channel_layer(), "group_put", lambda *_: None)
    watching = asyncio.create_task(watch(conversation, 0))
    for event in debates.every_event():
        await appender.append(conversation.pk, event)
    await assert_whole(conversation, await watching, 0)


async def test_it_comes_by_the_ring_and_not_by_looking(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "POLL_SECONDS", 1000.0)
    async with subscribe(conversation.pk, 1) as subscription:

        def read(*_: object) -> list[Frame]:
            raise AssertionError("The log was read, though the ring carried it all.")

        monkeypatch.setattr(queries, "read", read)
        events = debates.every_event()
        received: list[Frame] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            for event in events:
                await appender.append(conversation.pk, event)
                cursor = received[-1].seq if received else subscription.start
                received += await subscription.reader.after(cursor)
        assert [entry.type for entry in received] == [event.type for event in events]


async def test_a_ring_too_large_for_the_layer_is_read_from_the_log(
    conversation: Conversation, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "MAX_CHARACTERS", 400)
    watching = asyncio.create_task(watch(conversation, 0))
    for event in script(random.Random(2), messages=2):
        await appender.append(conversation.pk, event)
    await assert_whole(conversation, await watching, 0)


@pytest.mark.parametrize("seed", range(4))
async def test_rings_of_several_writers_that_do_not_fit_together_spoil_nothing(
    conversation: Conversation, seed: int
) -> None:
    """People's words are stored beside the run's, by another thread or process, and ring by themselves: what waits to
    be rung together may have holes, or come in another order."""
    die = random.Random(seed)
    watching = asyncio.create_task(watch(conversation, 0))
    async with reading(conversation.pk) as joined:
        await joined.joined()
        entries: list[Frame] = []
        for event in script(die, messages=2):
            appended = store.Append(conversation.pk, None, [event], timezone.now())
            stored = await database.call(store.store_batch, [appended])
            entries += stored[conversation.pk]
        while entries:
            some, entries = entries[:6], entries[6:]
            late = [some.pop(die.randrange(len(some))) for _ in range(die.randrange(3)) if some]
            if die.random() < 0.3:
                die.shuffle(some)
            for entry in (*some, *late):
                # One after the other without a pause: they are joined into one ring.
                notifier.publish(conversation.pk, [entry])
            for _ in range(die.randrange(4)):
                await asyncio.sleep(0)
        await assert_whole(conversation, await watching, 0)


async def test_a_look_into_the_log_and_a_ring_may_bring_the_same(conversation: Conversation) -> None:
    watching = asyncio.create_task(watch(conversation, 0))
    async with reading(conversation.pk) as joined:
        appending = asyncio.create_task(
            play(conversation, script(random.Random(5)), lambda _: None, random.Random(5))
        )
        while not appending.done():
            await joined.refreshed()
        await appending
        await assert_whole(conversation, await watching, 0)
        known = list(await joined.after(1))
        joined.add(await database.call(queries.read, conversation.pk, 0, 10_000))
        assert list(await joined.after(1)) == known


async def test_what_people_say_while_a_model_speaks_is_in_its_place(
    conversation: Conversation, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MAX_REMARKS", 1_000)
    watching = [asyncio.create_task(watch(conversation, after)) for after in (0, 1)]
    run = appender.Appender(conversation.pk, await debates.claim(conversation))
    start = debates.message_start(uuid4())

    async def speak() -> None:
        run.put(start)
        for token in debates.tokens(start.message, ["word "] * 400):
            run.put(token)
            await asyncio.sleep(0)
        await run.flush()

    async def interject() -> None:
        for number in range(40):
            await commands.submit(conversation.pk, HumanMessage(author="alice", text=f"{number}"))

    await asyncio.gather(speak(), interject(), interject())
    run.put(debates.status(Status.COMPLETED))
    await run.flush()
    for after, received in zip((0, 1), watching, strict=True):
        await assert_whole(conversation, await received, after)


async def test_a_watcher_behind_the_window_is_served_from_the_log(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_buffer, "MAX_FRAMES", 5)
    monkeypatch.setattr(log_pages, "PAGE", 3)
    events = script(random.Random(3), messages=2)
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(follow(conversation.pk)) as entries:
        received = [await anext(entries)]
        # Everything happens while this watcher is not looking.
        other = asyncio.create_task(watch(conversation, 0))
        for event in events:
            await appender.append(conversation.pk, event)
        await other
        received += [entry async for entry in entries]
    await assert_whole(conversation, received, 0)


# Cursors


async def test_a_finished_conversation_is_replayed_from_any_cursor(
    conversation: Conversation, layer: str
) -> None:
    await appender.append(conversation.pk, *debates.every_event())
    head = (await debates.fresh(conversation)).head
    for after in range(head + 1):
        await assert_whole(conversation, await watch(conversation, after), after)


async def test_a_cursor_in_the_log_is_recovered(conversation: Conversation) -> None:
    await appender.append(conversation.pk, *debates.every_event()[:5])
    for after in (0, 3, 6):
        async with subscribe(conversation.pk, after) as subscription:
            assert (subscription.recovered, subscription.start) == (True, after)
            assert (subscription.position.head, subscription.position.status) == (6, "active")


async def test_a_cursor_beyond_the_log_is_not_recovered_and_starts_anew(conversation: Conversation) -> None:
    await appender.append(conversation.pk, *debates.every_event())
    async with subscribe(conversation.pk, 10_000) as subscription:
        assert (subscription.recovered, subscription.start) == (False, 0)
    await assert_whole(conversation, await watch(conversation, 10_000), 0)


async def test_an_unknown_conversation_is_not_found(conversation: Conversation) -> None:
    with pytest.raises(NotFound):
        await watch(Conversation(pk=uuid4()), 0)


# One reader


def readers() -> dict[UUID, reader.ConversationReader]:
    return {**reader._readers.get(asyncio.get_running_loop(), {})}


async def test_however_many_watch_there_is_one_reader_and_what_is_new_is_not_read_again(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    read = queries.read

    def counting(conversation_id: object, after: int, limit: int) -> list[Frame]:
        looks.append(after)
        return read(conversation.pk, after, limit)

    monkeypatch.setattr(queries, "read", counting)
    joined = Signal()
    arrived = 0

    async def watcher() -> list[Frame]:
        nonlocal arrived
        received: list[Frame] = []
        async with aclosing(follow(conversation.pk)) as entries:
            async for entry in entries:
                if not received:
                    arrived += 1
                    joined.notify()
                received.append(entry)
        return received

    watching = [asyncio.create_task(watcher()) for _ in range(100)]
    await joined.until(lambda: arrived == 100)
    assert len(readers()) == 1
    assert readers()[conversation.pk].users == 100
    layer = get_channel_layer()
    assert [len(members) for members in layer.groups.values()] == [1]  # type: ignore[union-attr]
    await appender.append(conversation.pk, *debates.every_event())
    async with asyncio.timeout(PATIENCE_SECONDS):
        received = await asyncio.gather(*watching)
    # For those that began at 0; all else came with the ring, encoded once for all.
    assert set(looks) == {0}
    assert len({id(entries[-1]) for entries in received}) == 1


async def test_the_reader_stops_when_the_last_watcher_leaves(conversation: Conversation) -> None:
    async with reading(conversation.pk) as first:
        async with reading(conversation.pk) as second:
            assert first is second
            await second.joined()
        assert readers() == {conversation.pk: first}
        assert not first._task.done()
    assert readers() == {}
    assert first._task.done()
    assert get_channel_layer().groups == {}  # type: ignore[union-attr]


async def test_a_watcher_that_gives_up_leaves_the_others_alone(
    conversation: Conversation, layer: str
) -> None:
    staying = asyncio.create_task(watch(conversation, 0))
    leaving = [asyncio.create_task(watch(conversation, after)) for after in (0, 1)]
    for number, event in enumerate(debates.every_event()):
        await appender.append(conversation.pk, event)
        if number == 5:
            for task in leaving:
                task.cancel()
            await asyncio.wait(leaving)
    await assert_whole(conversation, await staying, 0)
    assert readers() == {}


async def test_who_comes_back_after_the_last_one_left_gets_a_new_reader(conversation: Conversation) -> None:
    async with reading(conversation.pk) as first:
        await first.joined()
    async with reading(conversation.pk) as second:
        assert second is not first
        assert (await second.joined()).head == 1


async def test_the_reader_of_a_finished_conversation_takes_no_more_rings(conversation: Conversation) -> None:
    await appender.append(conversation.pk, debates.status(Status.CANCELLED))
    async with reading(conversation.pk) as finished:
        await finished.joined()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait([finished._task])
        assert await finished.after(2) == []


# Several event loops


@pytest.mark.redis
async def test_each_event_loop_has_a_reader_of_its_own_and_all_get_everything(
    conversation: Conversation, redis_url: str, settings: Settings
) -> None:
    backend = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    settings.CHANNEL_LAYERS = {"default": backend}
    barrier = threading.Barrier(3)
    received: dict[int, list[Frame]] = {}

    def in_its_own_loop(number: int) -> None:
        async def listen() -> None:
            async with aclosing(follow(conversation.pk)) as entries:
                received[number] = [await anext(entries)]
                barrier.wait(PATIENCE_SECONDS)
                received[number] += [entry async for entry in entries]

        asyncio.run(asyncio.wait_for(listen(), PATIENCE_SECONDS))

    loops = [asyncio.create_task(asyncio.to_thread(in_its_own_loop, number)) for number in range(2)]
    await asyncio.to_thread(barrier.wait, PATIENCE_SECONDS)
    for event in debates.every_event():
        await appender.append(conversation.pk, event)
    await asyncio.gather(*loops)
    for entries in received.values():
        await assert_whole(conversation, entries, 0)


# The database goes away and comes back


async def test_watchers_wait_while_the_database_is_away_and_lose_nothing(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    position, failed = queries.position, Signal()
    away, failures = False, 0

    def unsteady(conversation_id: object) -> queries.Position:
        nonlocal failures
        if away:
            failures += 1
            failed.notify()
            raise OperationalError("away")
        return position(conversation.pk)

    monkeypatch.setattr(queries, "position", unsteady)
    monkeypatch.setattr(get_channel_layer(), "group_put", lambda *_: None)
    events = debates.every_event()
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(follow(conversation.pk)) as entries:
        received = [await anext(entries)]
        away = True
        await appender.append(conversation.pk, *events[:9])
        await failed.until(lambda: failures >= 2)
        away = False
        await appender.append(conversation.pk, *events[9:])
        received += [entry async for entry in entries]
    await assert_whole(conversation, received, 0)


@pytest.mark.parametrize("away", [OperationalError("away"), InterfaceError("connection already closed")])
async def test_a_watcher_that_needs_the_log_while_the_database_is_away_waits_too(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch, away: Exception
) -> None:
    read, failed = queries.read, Signal()
    failures = 2

    def unsteady(conversation_id: object, after: int, limit: int) -> list[Frame]:
        nonlocal failures
        if failures:
            failures -= 1
            failed.notify()
            raise away
        return read(conversation.pk, after, limit)

    monkeypatch.setattr(queries, "read", unsteady)
    await appender.append(conversation.pk, *debates.every_event())
    received = await watch(conversation, 0)
    monkeypatch.setattr(queries, "read", read)
    await assert_whole(conversation, received, 0)


async def test_a_watcher_may_come_while_the_channel_layer_is_away(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = get_channel_layer()
    group_add = layer.group_add  # type: ignore[union-attr]
    failures = [ConnectionError("away")]

    async def unsteady(group: str, channel: str) -> None:
        if failures:
            raise failures.pop()
        await group_add(group, channel)

    monkeypatch.setattr(layer, "group_add", unsteady)
    await appender.append(conversation.pk, *debates.every_event())
    await assert_whole(conversation, await watch(conversation, 0), 0)
    assert failures == []


# The window


@given(st.integers(0, 50), st.lists(st.integers(1, 7), max_size=12), st.data())
def test_the_window_gives_all_that_follows_a_cursor_or_says_it_cannot(
    start: int, sizes: list[int], data: st.DataObject
) -> None:
    held = frame_buffer.FrameBuffer(start)
    head = start
    for size in sizes:
        held.add([frame_of_text(seq, f"{seq}") for seq in range(head + 1, head + size + 1)])
        head += size
    cursor = data.draw(st.integers(0, head + 5))
    found = held.after(cursor)
    if cursor < start:
        assert found is None
    else:
        assert found is not None
        assert [entry.seq for entry in found] == list(range(cursor + 1, head + 1))


def test_the_window_is_bounded_by_count_and_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_buffer, "MAX_FRAMES", 3)
    monkeypatch.setattr(frame_buffer, "MAX_CHARACTERS", 100)
    held = frame_buffer.FrameBuffer(0)
    held.add([frame_of_text(seq, "x") for seq in range(1, 6)])
    assert held.after(1) is None
    assert [entry.seq for entry in held.after(2) or []] == [3, 4, 5]
    held.add([frame_of_text(6, "x" * 1000)])
    assert held.after(4) is None
    assert [entry.seq for entry in held.after(5) or []] == [6]
