"""Whatever happens on the way, a client ends with the stored transcript: random schedules of everything at once."""

import asyncio
import json
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import transaction

from conversations.domain import transcript
from conversations.domain.events import EventData
from conversations.domain.frames import Frame, condense
from conversations.event_log import appender, queries, store
from conversations.infrastructure import database
from conversations.models import Conversation
from streaming.hub import fan_out, frame_buffer, log_pages, reader
from streaming.hub.reader import readers
from streaming.watchers import flow_control, timers
from streaming.watchers.watcher import Watcher
from streaming.wire.close_codes import Close
from tests.fakes.waiting import PATIENCE_SECONDS, Signal
from tests.support import debates, stories
from tests.support.frames import AT, CONVERSATION, fold_frames
from tests.support.sockets import Browser, browser, path_of
from tests.support.watchers import Line, sometimes, watching

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = 2**31 - 1


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "POLL_SECONDS", 0.05)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds so small that a short debate meets all of them."""
    monkeypatch.setattr(flow_control, "MAX_FRAMES", 20)
    monkeypatch.setattr(flow_control, "MAX_BYTES", 8_000)
    monkeypatch.setattr(frame_buffer, "MAX_FRAMES", 60)
    monkeypatch.setattr(log_pages, "PAGE", 25)
    monkeypatch.setattr(log_pages, "KEPT_PAGES", 3)
    monkeypatch.setattr(fan_out, "SLICE", 3)
    monkeypatch.setattr(timers, "FULL_SECONDS", 0.02)


async def play(conversation: Conversation, story: Sequence[EventData], die: random.Random) -> None:
    """Append all of it, a few events at a time, now and then in a hurry."""
    place = 0
    while place < len(story):
        count = die.choice([1, 1, 2, 5, 20])
        await appender.append(conversation.pk, *story[place : place + count])
        place += count
        if die.random() < 0.3:
            await asyncio.sleep(die.random() * 0.01)


async def snapshot(conversation: Conversation, head: int) -> transcript.State:
    """The state up to an event, as another client would have it."""
    return transcript.fold((await debates.rows(conversation))[:head])


class Client:
    """Somebody who comes and goes, reads slowly or not at all, and acknowledges when they like."""

    def __init__(self, conversation: Conversation, die: random.Random) -> None:
        self.conversation = conversation
        self.state = transcript.empty()
        self.closes: list[Close | None] = []
        self.early = 0
        self._die = die
        self._acks = die.random() < 0.6
        self._rate = 5_000.0 if die.random() < 0.2 else None
        self._waits = die.choice([0.0, 0.0, 0.3, 0.9])
        self._restless = die.random() < 0.6

    async def watch(self) -> None:
        """To the end of the conversation, with as many connections as it takes."""
        while not self.closes or self.closes[-1] is not Close.ENDED:
            await self._connect(await self._cursor())

    async def _cursor(self) -> int:
        choice = self._die.random()
        if len(self.closes) > 12:
            # They have seen enough of it.
            self._restless = False
        elif choice < 0.2:
            # Back to a place before: what was known of it is forgotten.
            self.state = await snapshot(self.conversation, self._die.randrange(self.state["head"] + 1))
        elif choice < 0.25:
            return UNKNOWN
        head: int = self.state["head"]
        return head

    async def _connect(self, after: int) -> None:
        line = Line(sometimes(self._die, self._waits))
        async with watching(self.conversation.pk, line, after, self._rate) as watcher:
            # All or nothing: the cursor asked for, or a fresh start.
            await line.until(lambda: line.told)
            hello = line.told[0]["data"]
            assert hello["recovered"] is (after != UNKNOWN)
            assert hello["from"] == (after if hello["recovered"] else 0)
            if not hello["recovered"]:
                self.state = transcript.empty()
            stays = self._die.randrange(3, 30) if self._restless else 1_000_000
            while line.closed is None and stays > 0:
                stays -= 1
                self._do_something(watcher, line)
                await asyncio.sleep(self._die.random() * 0.01)
            line.release()
            self.early += line.early
        self.closes.append(line.closed)
        received = line.frames
        if line.closed is not Close.ENDED:
            # The last of it may be lost on the way.
            received = received[: self._die.randrange(len(received) + 1)]
        fold_frames((json.loads(frame.text) for frame in received), self.state)

    def _do_something(self, watcher: Watcher, line: Line) -> None:
        sent = line.frames
        match self._die.randrange(8):
            case 0:
                line.hold()
            case 1 | 2:
                line.release()
            case 3:
                watcher.pause()
            case 4 | 5:
                watcher.resume()
            case 6 if self._acks and sent:
                watcher.ack(self._die.choice([sent[-1].seq, sent[-1].seq, self._die.choice(sent).seq]))
            case _:
                watcher.tick(asyncio.get_running_loop().time())


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("seed", range(3))
async def test_whoever_comes_and_goes_as_they_like_ends_with_the_stored_transcript(
    conversation: Conversation, layer: str, seed: int
) -> None:
    die = random.Random(seed)
    clients = [Client(conversation, random.Random(die.random())) for _ in range(10)]
    watching = [asyncio.create_task(client.watch()) for client in clients]
    await play(conversation, stories.debate(die, messages=6), die)
    stored = await debates.state(conversation)
    async with asyncio.timeout(3 * PATIENCE_SECONDS):
        await asyncio.gather(*watching)
    for client in clients:
        assert client.state == stored
        assert client.early == 0
    assert readers() == []


# By the WebSocket


class Visitor:
    """The same by the real application, whose connection they cannot hold: only what they say is theirs."""

    def __init__(self, person: User, conversation: Conversation, die: random.Random) -> None:
        self.person = person
        self.conversation = conversation
        self.state = transcript.empty()
        self._die = die
        self._acks = die.choice([None, "late", "prompt"])
        self._rate = "&rate=5000" if die.random() < 0.2 else ""
        self._visits = 0

    async def watch(self) -> None:
        while not await self._visit():
            pass

    async def _visit(self) -> bool:
        """One connection; whether it came to the end."""
        after = self.state["head"]
        if self._die.random() < 0.3 and self._visits < 8:
            after = self._die.randrange(after + 1)
            self.state = await snapshot(self.conversation, after)
        self._visits += 1
        stays = self._die.choice([3, 10, 1_000_000, 1_000_000])
        async with browser(self.person, path_of(self.conversation, after) + self._rate) as tab:
            hello = await tab.next()
            assert hello is not None
            assert (hello["data"]["recovered"], hello["data"]["from"]) == (True, after)
            while stays > 0 and (frame := await tab.next()) is not None:
                stays -= 1
                fold_frames([frame], self.state)
                await self._answer(tab)
        # Who acknowledges too little may be found to be slow, and comes back.
        assert tab.closed in (None, 1000, 4503)
        return tab.closed == 1000

    async def _answer(self, tab: Browser) -> None:
        head: int = self.state["head"]
        if self._acks == "prompt" or (self._acks == "late" and self._die.random() < 0.1):
            await tab.send(type="ack", seq=head)
        if self._die.random() < 0.05:
            await tab.send(type="control", action="pause_stream")
            await tab.send(type="control", action="resume_stream")


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("seed", range(2))
async def test_the_websocket_gives_whoever_watches_however_the_stored_transcript(
    alice: User, carol: User, conversation: Conversation, layer: str, seed: int
) -> None:
    die = random.Random(seed)
    visitors = [
        Visitor(person, conversation, random.Random(die.random())) for person in (alice, carol, alice, carol)
    ]
    watching = [asyncio.create_task(visitor.watch()) for visitor in visitors]
    await play(conversation, stories.debate(die, messages=3), die)
    stored = await debates.state(conversation)
    async with asyncio.timeout(3 * PATIENCE_SECONDS):
        await asyncio.gather(*watching)
    for visitor in visitors:
        assert visitor.state == stored


# A thousand who come back at once


class Looks:
    """Every look into the log's rows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.after: list[int] = []
        read = queries.read

        def counting(conversation: Any, after: int, limit: int) -> list[Frame]:
            self.after.append(after)
            return read(conversation, after, limit)

        monkeypatch.setattr(queries, "read", counting)


async def told_in_rows(conversation: Conversation, story: Sequence[EventData]) -> int:
    """Store the story, each event a row of its own; the head."""

    def store_each() -> None:
        with transaction.atomic():
            for event in story:
                store.store_batch([store.Append(conversation.pk, None, [event], AT)])

    await database.call(store_each)
    return (await debates.fresh(conversation)).head


def a_word_each(words: int) -> list[EventData]:
    start = debates.message_start(CONVERSATION)
    return [start, *debates.tokens(start.message, ["w "] * words)]


async def come_back(conversation: Conversation, cursors: Sequence[int], head: int) -> list[Line]:
    """All at once, until all have everything."""
    lines = [Line() for _ in cursors]
    done = Signal()

    async def back(line: Line, after: int, stack: AsyncExitStack) -> None:
        watcher = await stack.enter_async_context(watching(conversation.pk, line, after))
        await line.until(lambda: watcher.cursor >= head)
        done.notify()

    async with AsyncExitStack() as stack, asyncio.timeout(3 * PATIENCE_SECONDS):
        await asyncio.gather(*(back(line, after, stack) for line, after in zip(lines, cursors, strict=True)))
    return lines


@pytest.mark.parametrize("where", ["same", "random"])
async def test_a_thousand_who_come_back_at_once_read_each_page_of_the_log_once(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(log_pages, "PAGE", 50)
    head = await told_in_rows(conversation, a_word_each(420))
    die = random.Random(1)
    cursors = [120] * 1_000 if where == "same" else [die.randrange(head) for _ in range(1_000)]
    looks = Looks(monkeypatch)
    lines = await come_back(conversation, cursors, head)
    rows = await debates.rows(conversation)
    stored = transcript.fold(rows)
    assert len(looks.after) <= -(-head // 50), "as many looks as pages, not as watchers"
    for line, after in [*zip(lines, cursors, strict=True)][::50]:
        assert line.after(transcript.fold(rows[:after])) == stored
    assert all(line.frames[0].after == after for line, after in zip(lines, cursors, strict=True))


async def test_a_log_of_more_pages_than_are_kept_is_not_read_anew_for_each_watcher(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_pages, "PAGE", 50)
    monkeypatch.setattr(log_pages, "KEPT_PAGES", 3)
    head = await told_in_rows(conversation, a_word_each(420))
    die = random.Random(1)
    looks = Looks(monkeypatch)
    await come_back(conversation, [die.randrange(head) for _ in range(300)], head)
    pages = -(-head // 50)
    # From each page on to the end, and not one look for each who came.
    assert len(looks.after) <= pages * (pages + 1) / 2


async def test_pages_are_joined_once_for_all_who_stand_at_the_same_place(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = await told_in_rows(conversation, a_word_each(300))
    joined = 0

    def counting(frames: Any) -> Any:
        nonlocal joined
        joined += len(frames) > 1
        return condense(frames)

    monkeypatch.setattr(log_pages, "condense", counting)
    lines = await come_back(conversation, [0] * 200, head)
    assert joined == 1
    assert len({id(line.frames[-1]) for line in lines}) == 1


async def test_a_hundred_tabs_that_come_back_at_once_read_each_page_once(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_pages, "PAGE", 50)
    head = await told_in_rows(conversation, a_word_each(180))
    looks = Looks(monkeypatch)
    die = random.Random(2)
    rows = await debates.rows(conversation)

    async def back(after: int) -> transcript.State:
        state = transcript.fold(rows[:after])
        async with browser(alice, path_of(conversation, after)) as tab:
            while state["head"] < head and (frame := await tab.next()) is not None:
                fold_frames([frame], state)
        return state

    async with asyncio.timeout(3 * PATIENCE_SECONDS):
        states = await asyncio.gather(*(back(die.randrange(head)) for _ in range(100)))
    # Those who left before the last had come may have let the reader go.
    assert len(looks.after) <= 2 * -(-head // 50)
    assert all(state == transcript.fold(rows) for state in states)


async def test_a_cursor_that_this_process_has_not_heard_of_yet_is_recovered(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "POLL_SECONDS", 1_000.0)

    monkeypatch.setattr(get_channel_layer(), "group_put", lambda *_: None)
    first = Line()
    async with watching(conversation.pk, first) as watcher:
        await first.until(lambda: watcher.cursor == 1)
        await appender.append(conversation.pk, *debates.every_event()[:9])
        head = (await debates.fresh(conversation)).head
        assert watcher.head == 1
        positions = 0
        position = queries.position

        def counting(id_: Any) -> queries.Position:
            nonlocal positions
            positions += 1
            return position(id_)

        monkeypatch.setattr(queries, "position", counting)
        cursors = [head] * 200
        # Whoever knows more brings it to all who are here.
        lines = [Line() for _ in cursors]
        async with AsyncExitStack() as stack:
            for line in lines:
                await stack.enter_async_context(watching(conversation.pk, line, head))
                assert line.told[0]["data"]["recovered"] is True
                assert (line.told[0]["data"]["from"], line.told[0]["data"]["head"]) == (head, head)
        assert positions == 1
        await first.until(lambda: watcher.cursor == head)
        assert first.after() == await debates.state(conversation)
