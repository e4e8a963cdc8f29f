"""One watcher: what it is sent when it is slow, when it is closed, and what it costs meanwhile."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import accumulate
from uuid import uuid4

import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.domain import transcript
from conversations.domain.enums import Status
from conversations.domain.events import EventData, HumanMessage, MessageStart, Token
from conversations.domain.frames import Frame, condense
from conversations.event_log import appender
from conversations.models import Conversation
from streaming.hub import frame_buffer, log_pages, reader
from streaming.hub.reader import readers
from streaming.statistics import counters
from streaming.watchers import flow_control
from streaming.watchers.frame_sender import MAX_WAITING
from streaming.watchers.timers import FULL_SECONDS, LAG_SECONDS
from streaming.watchers.watcher import (
    CLOSE_SECONDS,
    Watcher,
)
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import Notice
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import debates
from tests.support.clock import settled
from tests.support.frames import fold_frames
from tests.support.watchers import PRINCIPAL, Line, reached, watching

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "POLL_SECONDS", 0.05)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher that holds ten frames: lags from 8, gets words again below 3."""
    monkeypatch.setattr(flow_control, "MAX_FRAMES", 10)


@pytest_asyncio.fixture
async def held() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def words(count: int, text: str = "word ", start: int = 0) -> tuple[MessageStart, list[Token]]:
    """A message's start, and its words."""
    begun = debates.message_start(uuid4())
    return begun, debates.tokens(begun.message, [text] * count)


async def say(conversation: Conversation, *events: EventData) -> int:
    """Append the events one by one, each a row of its own; the head."""
    for event in events:
        await appender.append(conversation.pk, event)
    return (await debates.fresh(conversation)).head


async def say_and_see(
    conversation: Conversation, watcher: Watcher, line: Line, events: Sequence[EventData]
) -> int:
    """Append, each as soon as the watcher has had the one before, so that none are joined."""
    head = watcher.head
    for event in events:
        await appender.append(conversation.pk, event)
        head += 1
        async with asyncio.timeout(PATIENCE_SECONDS):
            while watcher.head < head:
                await asyncio.sleep(0)
        await settled()
    return head


async def caught_up(watcher: Watcher, line: Line) -> None:
    """Return once it has been handed all there is."""
    await reached(watcher, line, watcher.head)


@asynccontextmanager
async def lagging(
    conversation: Conversation, count: int
) -> AsyncIterator[tuple[Watcher, Line, MessageStart]]:
    """A watcher that acknowledged nothing of a message's start and of so many words, each of which came alone."""
    line = Line()
    async with watching(conversation.pk, line) as slow:
        await caught_up(slow, line)
        slow.ack(0)
        begun, spoken = words(count)
        await say_and_see(conversation, slow, line, [begun, *spoken])
        assert slow.flow.lagging
        yield slow, line, begun


def bounds(monkeypatch: pytest.MonkeyPatch, *, unacknowledged: int, buffered: int, page: int) -> None:
    """How many frames a watcher may hold, the reader keeps, and a look into the log brings."""
    monkeypatch.setattr(flow_control, "MAX_FRAMES", unacknowledged)
    monkeypatch.setattr(frame_buffer, "MAX_FRAMES", buffered)
    monkeypatch.setattr(log_pages, "PAGE", page)


def later(watcher: Watcher, seconds: float) -> None:
    """The clocks are looked at, so long after the connection was opened; however long the test itself takes."""
    watcher.tick(watcher.timers.connected + seconds)


# Whole messages only, then words again


@pytest.mark.usefixtures("small")
async def test_lagging_client_gets_whole_messages_until_it_catches_up(
    conversation: Conversation,
) -> None:
    async with lagging(conversation, 12) as (slow, line, begun):
        # The queued status, sent before the ack, is not held against it: message_start and 7 words are 8 of 10.
        assert line.types == ["status", "message_start", *["token"] * 7]
        # An interruption comes though words are held, and brings those before it, for the order's sake.
        head = await say_and_see(conversation, slow, line, [HumanMessage(author="alice", text="Why?")])
        assert line.types[9:] == ["token", "human_message"]
        assert slow.cursor == head == slow.head
        assert not slow.closed
        # Full. Nothing more comes but by an ack.
        more = debates.tokens(begun.message, ["more "] * 3)
        more = [token.model_copy(update={"offset": 60 + token.offset}) for token in more]
        await say_and_see(conversation, slow, line, more)
        assert line.frames[-1].seq == head
        slow.ack(line.frames[-5].seq)
        assert slow.flow.lagging
        assert line.frames[-1].seq == head
        slow.ack(line.frames[-2].seq)
        # One is left of ten: the words return, from where they stopped.
        assert slow.state == "streaming"
        assert line.frames[-1].data["offset"] == 60
        assert line.frames[-1].data["text"] == "more more more "
        assert line.after() == await debates.state(conversation)


@pytest.mark.usefixtures("small")
async def test_lagging_client_gets_ended_message_without_tokens(conversation: Conversation) -> None:
    async with lagging(conversation, 12) as (slow, line, begun):
        cursor = slow.cursor
        whole = debates.agent_message(begun, "word " * 12, 12)
        head = await say_and_see(conversation, slow, line, [whole])
        last = line.frames[-1]
        assert (last.type, last.after, last.seq) == ("agent_message", cursor, head)
        assert line.after() == await debates.state(conversation)


@pytest.mark.usefixtures("small")
async def test_client_full_for_ten_seconds_is_closed_as_slow(conversation: Conversation) -> None:
    line = Line()
    async with watching(conversation.pk, line) as slow:
        await caught_up(slow, line)
        slow.ack(0)
        await say_and_see(conversation, slow, line, [debates.status(Status.ACTIVE)] * 15)
        assert slow.flow.full
        now = asyncio.get_running_loop().time()
        slow.tick(now)
        slow.tick(now + FULL_SECONDS - 0.1)
        assert not line.closed
        slow.tick(now + FULL_SECONDS)
        assert line.closed is Close.SLOW
        assert slow.state == "error"
        sent = len(line.written)
        # What comes after is not theirs any more.
        await say(conversation, debates.status(Status.ACTIVE))
        await settled()
        assert len(line.written) == sent


@pytest.mark.usefixtures("small")
async def test_client_that_makes_room_is_not_closed(conversation: Conversation) -> None:
    line = Line()
    async with watching(conversation.pk, line) as slow:
        await caught_up(slow, line)
        slow.ack(0)
        await say_and_see(conversation, slow, line, [debates.status(Status.ACTIVE)] * 15)
        now = asyncio.get_running_loop().time()
        slow.tick(now)
        slow.ack(line.frames[-6].seq)
        assert slow.cursor == slow.head
        slow.tick(now + FULL_SECONDS - 1)
        slow.tick(now + FULL_SECONDS + 1)
        assert not line.closed


async def test_client_that_reads_nothing_is_closed_as_slow(conversation: Conversation) -> None:
    line = Line()
    async with watching(conversation.pk, line) as stalled:
        await caught_up(stalled, line)
        line.hold()
        await say_and_see(conversation, stalled, line, [debates.status(Status.ACTIVE)] * 3)
        assert line.types == ["status", "status"]
        later(stalled, 0)
        later(stalled, FULL_SECONDS + 1)
        assert line.closed is Close.SLOW


async def test_blocked_client_at_the_head_is_not_slow(conversation: Conversation) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        await caught_up(watcher, line)
        line.hold()
        await say_and_see(conversation, watcher, line, [debates.status(Status.ACTIVE)])
        # It has not taken the newest frame yet, but there is nothing more for it.
        assert line.waiting
        later(watcher, 0)
        later(watcher, 2 * FULL_SECONDS)
        assert not line.closed


async def test_client_that_makes_progress_is_not_slow(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long log over a thin line: at every look the server's buffer is full, and at every look less is to come."""
    events = [debates.status(Status.ACTIVE)] * 60
    await say(conversation, *events)
    line = Line()
    line.hold()
    async with watching(conversation.pk, line, after=1) as steady:
        now = asyncio.get_running_loop().time()
        for second in range(30):
            steady.tick(now + second)
            line.release()
            line.hold()
            await line.until(lambda: line.waiting)
        assert not line.closed


# How it stands


async def test_lag_is_notified_only_after_two_seconds(
    conversation: Conversation,
) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        assert watcher.state == "streaming"
        await caught_up(watcher, line)
        line.hold()
        await say_and_see(conversation, watcher, line, [debates.status(Status.ACTIVE)] * 2)
        assert watcher.state == "lagging"
        later(watcher, 0)
        later(watcher, LAG_SECONDS - 0.5)
        line.release()
        await settled()
        later(watcher, LAG_SECONDS)
        assert line.states() == []
        line.hold()
        await say_and_see(conversation, watcher, line, [debates.status(Status.ACTIVE)] * 2)
        later(watcher, LAG_SECONDS + 1)
        later(watcher, 2 * LAG_SECONDS + 1)
        line.release()
        await settled()
        later(watcher, 2 * LAG_SECONDS + 2)
        assert line.states() == ["lagging", "streaming"]


@pytest.mark.usefixtures("small")
async def test_lag_by_acks_is_notified_while_it_lasts(conversation: Conversation) -> None:
    line = Line()
    async with watching(conversation.pk, line) as slow:
        await caught_up(slow, line)
        slow.ack(0)
        begun, spoken = words(12)
        head = await say_and_see(conversation, slow, line, [begun, *spoken])
        later(slow, 0)
        later(slow, LAG_SECONDS)
        assert line.states() == ["lagging"]
        slow.ack(slow.cursor)
        assert slow.cursor == head
        later(slow, LAG_SECONDS + 1)
        assert line.states() == ["lagging", "streaming"]


async def test_idle_watcher_sends_only_what_it_is_asked_to(alice: User) -> None:
    line = Line()
    idle = Watcher(PRINCIPAL, "test", line, line.close)
    assert (idle.state, idle.head) == ("idle", 0)
    later(idle, 1)
    idle.pump()
    assert line.written == []
    idle.notify(Notice(text="Hello."))
    assert [said["type"] for said in line.told] == ["notice"]


# Its own pause


async def test_paused_stream_continues_where_it_stopped(conversation: Conversation) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        await caught_up(watcher, line)
        watcher.pause()
        watcher.pause()
        head = await say(conversation, *debates.every_event()[:-1])
        await settled()
        assert line.types == ["status"]
        watcher.resume()
        watcher.resume()
        await reached(watcher, line, head)
        assert line.after() == await debates.state(conversation)
        assert line.states() == ["paused", "streaming"]


async def test_paused_stream_is_not_closed_before_it_was_sent(conversation: Conversation) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        watcher.pause()
        await say(conversation, *debates.every_event())
        await settled()
        assert not line.closed
        watcher.resume()
        await line.to_the_close()
        assert line.closed is Close.ENDED
        assert line.after() == await debates.state(conversation)


async def test_pause_while_a_page_is_read_holds_the_page(conversation: Conversation) -> None:
    await say(conversation, *debates.every_event()[:-1])
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        watcher.pause()
        assert watcher.delivery is not None
        assert watcher.delivery.task is not None
        await asyncio.wait([watcher.delivery.task], timeout=PATIENCE_SECONDS)
        assert line.frames == []
        watcher.resume()
        await reached(watcher, line, watcher.head)
        assert line.after() == await debates.state(conversation)


# A rate


def assert_never_faster(line: Line, began: float, rate: float) -> None:
    """By any moment no more tokens have come than the rate allows since the beginning, or since any word."""
    times = [(began, 0), *((at, frame.token_count) for at, frame in line.written if frame.token_count)]
    total = [0, *accumulate(count for _, count in times)][1:]
    for start in range(len(times)):
        for end in range(start + 1, len(times)):
            # Floats are added up in another order here.
            assert total[end] - total[start] <= rate * (times[end][0] - times[start][0]) + 1e-3


async def test_rate_is_never_exceeded_and_nothing_is_lost(conversation: Conversation) -> None:
    # The log joins what comes in a hurry: some frames bring many words at once.
    begun, spoken = words(60)
    other, others = words(30)
    await say(conversation, begun, *spoken)
    line, began = Line(), asyncio.get_running_loop().time()
    async with watching(conversation.pk, line, rate=500.0) as steady:
        await appender.append(conversation.pk, other, *others)
        await say(conversation, debates.status(Status.COMPLETED))
        await line.to_the_close()
        assert line.closed is Close.ENDED
        assert steady.tokens == 90
    assert_never_faster(line, began, 500.0)
    assert line.after() == await debates.state(conversation)
    # Each in its order and as it is stored: nothing is joined.
    assert [frame.seq - frame.after for frame in line.frames] == [1] * len(line.frames)


async def test_rate_does_not_make_up_for_a_pause(conversation: Conversation) -> None:
    begun, spoken = words(40)
    await say(conversation, begun, *spoken)
    line, began = Line(), asyncio.get_running_loop().time()
    async with watching(conversation.pk, line, rate=400.0) as steady:
        await line.until(lambda: len(line.frames) >= 10)
        steady.pause()
        await asyncio.sleep(0.05)
        steady.resume()
        line.hold()
        await line.until(lambda: line.waiting)
        await asyncio.sleep(0.05)
        line.release()
        await reached(steady, line, len(spoken) + 2)
    assert_never_faster(line, began, 400.0)
    assert line.after() == await debates.state(conversation)


async def test_pause_while_blocked_holds_a_rate_limited_stream(conversation: Conversation) -> None:
    begun, spoken = words(20)
    await say(conversation, begun, *spoken)
    line = Line()
    async with watching(conversation.pk, line, rate=10_000.0) as steady:
        line.hold()
        await line.until(lambda: line.waiting)
        # The next word's time has passed; it waits for the line.
        await asyncio.sleep(0.01)
        steady.pause()
        line.release()
        await settled()
        sent = len(line.frames)
        await asyncio.sleep(0.01)
        assert len(line.frames) == sent
        assert steady.state == "paused"
        before = [frame.seq for frame in line.frames]
        steady.resume()
        await reached(steady, line, len(spoken) + 2)
        assert [frame.seq for frame in line.frames][: len(before)] == before
        assert line.early == 0
    assert line.after() == await debates.state(conversation)


@pytest.mark.usefixtures("small")
async def test_rate_does_not_lift_the_bounds(conversation: Conversation) -> None:
    begun, spoken = words(200)
    await say(conversation, begun, *spoken)
    line = Line()
    async with watching(conversation.pk, line, rate=10_000.0) as steady:
        steady.ack(0)
        await line.until(lambda: steady.flow.full)
        await settled()
        assert len(line.frames) == 10


# Limits


async def test_connection_at_the_longest_time_is_closed_as_expired(
    conversation: Conversation, settings: Settings
) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        later(watcher, settings.OUTCRY_SESSION_SECONDS - 1)
        assert not line.closed
        later(watcher, settings.OUTCRY_SESSION_SECONDS + 1)
        assert line.closed is Close.EXPIRED
        assert line.closed.retryable


async def test_stream_paused_too_long_is_closed_as_idle(
    conversation: Conversation, settings: Settings
) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        later(watcher, settings.OUTCRY_IDLE_SECONDS + 1)
        assert not line.closed
        watcher.pause()
        later(watcher, settings.OUTCRY_IDLE_SECONDS - 1)
        assert not line.closed
        later(watcher, settings.OUTCRY_IDLE_SECONDS + 60)
        assert line.closed is Close.IDLE


async def test_connection_without_a_request_is_closed_as_idle(alice: User, settings: Settings) -> None:
    line = Line()
    idle = Watcher(PRINCIPAL, "test", line, line.close)
    later(idle, settings.OUTCRY_IDLE_SECONDS - 1)
    assert not line.closed
    idle.received()
    later(idle, settings.OUTCRY_IDLE_SECONDS + 60)
    assert line.closed is Close.IDLE


async def test_acknowledging_client_that_falls_silent_is_closed(
    conversation: Conversation, settings: Settings
) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        watcher.ack(1)
        later(watcher, 2 * settings.OUTCRY_HEARTBEAT_SECONDS - 1)
        assert not line.closed
        later(watcher, 2 * settings.OUTCRY_HEARTBEAT_SECONDS + 60)
        assert line.closed is Close.HEARTBEAT_MISSED


async def test_client_that_never_acknowledges_may_be_silent(
    conversation: Conversation, settings: Settings
) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        later(watcher, 10 * settings.OUTCRY_HEARTBEAT_SECONDS)
        assert not line.closed


async def test_heartbeats_carry_the_head_and_never_wait(
    conversation: Conversation, settings: Settings
) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        await caught_up(watcher, line)
        await say_and_see(conversation, watcher, line, [debates.status(Status.ACTIVE)])
        beat = settings.OUTCRY_HEARTBEAT_SECONDS
        later(watcher, beat - 1)
        assert [said["type"] for said in line.told] == ["hello"]
        later(watcher, beat + 0.1)
        later(watcher, beat + 0.2)
        assert [said["data"] for said in line.told if said["type"] == "heartbeat"] == [{"head": 2}]
        line.hold()
        watcher.notify(Notice(text="First."))
        for number in range(1, 9):
            later(watcher, (number + 1) * (beat + 1))
        for number in range(MAX_WAITING + 5):
            watcher.notify(Notice(text=f"{number}"))
        line.release()
        await settled()
        notices = [said["data"]["text"] for said in line.told if said["type"] == "notice"]
        # One of those that wait tells of the lag.
        assert notices == ["First.", *map(str, range(MAX_WAITING - 1))]
        assert [said["type"] for said in line.told].count("heartbeat") == 1


async def test_connection_that_does_not_close_is_aborted_once(
    conversation: Conversation,
) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        watcher.end(Close.RESTART)
        watcher.end(Close.SLOW)
        assert line.closed is Close.RESTART
        later(watcher, CLOSE_SECONDS - 1)
        assert line.aborts == 0
        later(watcher, CLOSE_SECONDS + 60)
        later(watcher, CLOSE_SECONDS + 120)
        assert line.aborts == 1


async def test_close_is_counted_by_code(conversation: Conversation) -> None:
    slow = counters.CLOSES.labels(Close.SLOW.value, "slow")
    [before] = slow.collect()
    async with watching(conversation.pk, Line()) as watcher:
        watcher.end(Close.SLOW)
        watcher.leave()
    [after] = slow.collect()
    assert after.samples[0].value == before.samples[0].value + 1


# A client that leaves, a server that fails


@pytest.mark.parametrize("failure", [ConnectionResetError(), RuntimeError("not open")])
async def test_failed_send_ends_that_watcher_only(
    conversation: Conversation, failure: Exception, held: AsyncExitStack
) -> None:
    lines = [Line() for _ in range(3)]
    for line in lines:
        await held.enter_async_context(watching(conversation.pk, line))
    lines[1].gone = failure
    await say(conversation, *debates.every_event())
    for line in (lines[0], lines[2]):
        await line.to_the_close()
        assert line.closed is Close.ENDED
        assert line.after() == await debates.state(conversation)
    # Who has left is on the way out already; a fault of ours is told with its code.
    assert lines[1].closed is (None if isinstance(failure, OSError) else Close.FAULT)


async def test_send_that_fails_while_it_waits_ends_the_watcher(conversation: Conversation) -> None:
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        await caught_up(watcher, line)
        line.hold()
        await say_and_see(conversation, watcher, line, [debates.status(Status.ACTIVE)])
        assert line._room is not None
        line._room.set_exception(RuntimeError("not open"))
        await settled()
        assert line.closed is Close.FAULT


async def test_client_that_lags_at_the_end_is_closed_as_ended(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(conversation, *debates.every_event())
    whole = Line()
    async with watching(conversation.pk, whole):
        await whole.to_the_close()
    # All of it is about as much as may be in flight.
    monkeypatch.setattr(flow_control, "MAX_BYTES", sum(frame.size for frame in whole.frames) / 0.9)
    line = Line()
    async with watching(conversation.pk, line) as watcher:
        watcher.ack(0)
        await line.to_the_close()
        assert watcher.flow.lagging
        assert line.closed is Close.ENDED


async def test_watcher_that_leaves_leaves_no_task_behind(conversation: Conversation) -> None:
    line = Line()
    await say(conversation, *debates.every_event()[:-1])
    before = asyncio.all_tasks()
    for rate in (None, 5.0):
        line.hold()
        async with watching(conversation.pk, line, rate=rate):
            await line.until(lambda: line.waiting)
        line.release()
    await settled()
    # But for looks into the log that others may share.
    assert [task for task in asyncio.all_tasks() - before if "_read_page" not in repr(task)] == []
    assert readers() == []


# Order, where the connection waits


async def test_no_frame_is_written_while_an_earlier_one_waits(conversation: Conversation) -> None:
    """Neither by the log, nor by what is told in between, nor by the page that is just being sent."""
    await say(conversation, *debates.every_event()[:-1])
    line = Line(waits=lambda: True)
    async with watching(conversation.pk, line) as watcher:
        for number in range(30):
            watcher.notify(Notice(text=f"{number}"))
            await asyncio.sleep(0)
        await say(conversation, debates.status(Status.COMPLETED))
        await line.to_the_close()
    assert line.early == 0
    assert line.after() == await debates.state(conversation)


async def test_lagging_watcher_behind_the_buffer_runs_no_task(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page that it would need ends in the middle of a message, and it takes no words now."""
    bounds(monkeypatch, unacknowledged=10, buffered=5, page=20)
    async with lagging(conversation, 60) as (slow, line, _):
        assert slow.cursor < slow.head - 40
        calls = 0
        condensed_after = log_pages.PageCache.condensed_after

        async def counting(self: log_pages.PageCache, cursor: int) -> object:
            nonlocal calls
            calls += 1
            return await condensed_after(self, cursor)

        monkeypatch.setattr(log_pages.PageCache, "condensed_after", counting)
        slow.pump()
        for _ in range(200):
            await asyncio.sleep(0)
        assert calls < 10
        slow.ack(slow.cursor)
        await reached(slow, line, slow.head)
        assert line.after() == await debates.state(conversation)


async def test_lagging_watcher_behind_the_buffer_gets_whole_messages(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Room for a frame of each page that is skipped.
    bounds(monkeypatch, unacknowledged=30, buffered=30, page=20)
    async with lagging(conversation, 120) as (slow, line, begun):
        head = await say(conversation, debates.agent_message(begun, "word " * 120, 120))
        await reached(slow, line, head)
        assert line.types[-1] == "agent_message"
        assert line.after() == await debates.state(conversation)


# A client that does not read


async def test_idle_client_that_does_not_read_is_closed_as_slow() -> None:
    line = Line()
    watcher = Watcher(PRINCIPAL, "websocket", line, line.close)
    line.unread = 70_000
    later(watcher, 0)
    # More unread, such as answers to its pings, is no progress.
    line.unread = 80_000
    later(watcher, FULL_SECONDS - 1)
    assert line.closed is None
    later(watcher, FULL_SECONDS)
    assert line.closed is Close.SLOW


async def test_idle_client_that_reads_slowly_is_not_closed() -> None:
    line = Line()
    watcher = Watcher(PRINCIPAL, "websocket", line, line.close)
    for second in range(3 * int(FULL_SECONDS)):
        line.unread = 70_000 - second
        later(watcher, second)
    assert line.closed is None


# What it costs


@pytest.mark.usefixtures("small")
async def test_nothing_is_joined_for_a_lagging_watcher(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many who lag each stands elsewhere, and what follows them grows with every word."""
    async with lagging(conversation, 20) as (slow, line, begun):
        assert not slow.flow.full
        joined = 0

        def counting(frames: Sequence[Frame]) -> list[Frame]:
            nonlocal joined
            joined += 1
            return condense(frames)

        monkeypatch.setattr(reader, "condense", counting)
        monkeypatch.setattr(log_pages, "condense", counting)
        more = debates.tokens(begun.message, ["word "] * 60)[20:]
        await say_and_see(conversation, slow, line, more)
        assert joined == 0
        whole = debates.agent_message(begun, "word " * 60, 60)
        head = await say_and_see(conversation, slow, line, [whole])
        assert (line.types[-1], slow.cursor) == ("agent_message", head)
        slow.ack(head)
        await say_and_see(conversation, slow, line, [debates.status(Status.PAUSED)])
        assert line.after() == await debates.state(conversation)


class Folding(Line):
    """Keeps what the frames say, and not the frames."""

    def __init__(self) -> None:
        super().__init__()
        self.state = transcript.empty()

    def write(self, frame: Frame) -> "asyncio.Future[None] | None":
        taken = super().write(frame)
        self.written.clear()
        fold_frames([json.loads(frame.text)], self.state)
        return taken


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("acks", [True, False])
async def test_stalled_watcher_costs_bounded_memory(
    conversation: Conversation, acks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What all watchers share is not this one's.
    monkeypatch.setattr(frame_buffer, "MAX_FRAMES", 50)
    monkeypatch.setattr(log_pages, "KEPT_SECONDS", 0.05)
    monkeypatch.setattr(flow_control, "MAX_FRAMES", 100)
    line, quick = Folding(), Folding()
    async with watching(conversation.pk, line) as stalled, watching(conversation.pk, quick) as taking:
        if acks:
            stalled.ack(0)
        else:
            line.hold()
        begun, spoken = words(20_000)
        await appender.append(conversation.pk, begun)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for place in range(0, len(spoken), 40):
            await appender.append(conversation.pk, *spoken[place : place + 40])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while taking.cursor < taking.head or taking.tokens < 20_000:
                await asyncio.sleep(0)
        [shared] = readers()
        shared._ready.clear()
        shared.pages._pages.clear()
        shared.pages._condensed.clear()
        # Its timers hold on to pages, too.
        await asyncio.sleep(2 * log_pages.KEPT_SECONDS)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        assert stalled.cursor < stalled.head
        assert after - before < 1024 * 1024
        assert len(stalled.flow._frames) <= flow_control.MAX_FRAMES
        assert not stalled.sender._waiting
        line.release()
        stalled.ack(stalled.cursor)
        await reached(stalled, line, stalled.head)
        assert line.state == await debates.state(conversation)


async def test_client_that_never_acknowledges_is_not_counted(
    conversation: Conversation,
) -> None:
    line = Line()
    begun, spoken = words(3_000)
    async with watching(conversation.pk, line) as watcher:
        await appender.append(conversation.pk, begun)
        for place in range(0, len(spoken), 2):
            await appender.append(conversation.pk, *spoken[place : place + 2])
        await reached(watcher, line, (await debates.fresh(conversation)).head)
        assert (watcher.flow.level, len(watcher.flow._frames), watcher.flow._bytes) == (0.0, 0, 0)
        assert line.after() == await debates.state(conversation)
