"""A thousand who watch one debate at full speed: whoever stays, stalls or comes and goes ends with the same state."""

import asyncio
import hashlib
import json
import random
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from conversations.domain import transcript
from conversations.domain.enums import Status
from conversations.domain.events import EventData, HumanMessage
from conversations.domain.frames import Frame
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import Conversation
from streaming.hub import frame_buffer, log_pages, reader
from streaming.hub.reader import readers
from streaming.watchers import flow_control, timers
from streaming.watchers.watcher import Watcher
from streaming.wire.close_codes import Close
from tests.fakes.waiting import PATIENCE_SECONDS, Signal
from tests.support import debates
from tests.support.frames import fold_frames
from tests.support.watchers import Line, watching

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

WATCHERS = 1_000
MESSAGES, WORDS = 10, 300


class Taking(Line):
    """Keeps the frames and nothing beside them: there are a thousand of these."""

    def __init__(self, taken: list[Frame]) -> None:
        super().__init__()
        self._taken = taken

    def write(self, frame: Frame) -> "asyncio.Future[None] | None":
        waits = super().write(frame)
        self.written.clear()
        if frame.after < frame.seq:
            self._taken.append(frame)
        return waits


def decoded(frame: Frame) -> dict[str, Any]:
    # The data is decoded once for all who got this very frame.
    return {"seq": frame.seq, "after": frame.after, "type": frame.type, "data": frame.data}


def digest(state: transcript.State) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Client:
    """`habit`: steady, stalled (takes nothing, ever), slow (takes nothing for a while), mute (acknowledges once and
    never again), restless (comes and goes)."""

    def __init__(self, conversation: Conversation, habit: str, die: random.Random) -> None:
        self.conversation = conversation
        self.habit = habit
        self.closes: list[Close | None] = []
        self.watcher: Watcher | None = None
        self._taken: list[Frame] = []
        self._die = die

    @property
    def head(self) -> int:
        return self._taken[-1].seq if self._taken else 0

    def state(self) -> transcript.State:
        return fold_frames(decoded(frame) for frame in self._taken)

    async def watch(self, present: Signal) -> None:
        while not self.closes or self.closes[-1] is not Close.ENDED:
            line = Taking(self._taken)
            # Whoever was sent away comes back with a better connection.
            if self.habit in ("stalled", "slow") and not self.closes:
                line.hold()
            async with watching(self.conversation.pk, line, self.head) as self.watcher:
                present.notify()
                if self.habit == "mute":
                    self.watcher.ack(self.watcher.cursor)
                stays = (
                    self._die.random() * 0.3 if self.habit == "restless" and len(self.closes) < 5 else None
                )
                if self.habit == "slow" and not self.closes:
                    asyncio.get_running_loop().call_later(self._die.random(), line.release)
                try:
                    await line.to_the_close(stays)
                except TimeoutError:
                    assert stays is not None
            self.closes.append(line.closed)


def debate(die: random.Random) -> list[EventData]:
    told: list[EventData] = [debates.status(Status.ACTIVE)]
    for _ in range(MESSAGES):
        start = debates.message_start(uuid4())
        words = [die.choice(["word ", "é ", "\U0001f4c8 "]) for _ in range(WORDS)]
        told.append(start)
        for number, token in enumerate(debates.tokens(start.message, words)):
            told.append(token)
            if number % 120 == 60:
                told.append(HumanMessage(author="alice", text="And then?"))
        told.append(debates.agent_message(start, "".join(words), WORDS))
    return [*told, debates.complete(), debates.status(Status.COMPLETED)]


async def test_a_thousand_watchers_end_with_the_stored_transcript(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "POLL_SECONDS", 0.2)
    monkeypatch.setattr(timers, "FULL_SECONDS", 0.5)
    monkeypatch.setattr(flow_control, "MAX_FRAMES", 60)
    # Smaller than the debate, so that those who come back need the log.
    monkeypatch.setattr(frame_buffer, "MAX_FRAMES", 60)
    monkeypatch.setattr(log_pages, "PAGE", 50)
    die = random.Random(7)
    conversation = await database.call(debates.create, alice)
    habits = ["stalled", "slow", "mute", "restless", "restless", *["steady"] * 15]
    clients = [
        Client(conversation, habits[number % len(habits)], random.Random(die.random()))
        for number in range(WATCHERS)
    ]
    present = Signal()
    watching = [asyncio.create_task(client.watch(present)) for client in clients]

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.1)
            for client in clients:
                if client.watcher is not None:
                    client.watcher.tick(asyncio.get_running_loop().time())

    ticking = asyncio.create_task(tick())
    await present.until(lambda: all(client.watcher is not None for client in clients))
    run = appender.Appender(conversation.pk, await debates.claim(conversation))
    for event in debate(die):
        await run.drain()
        run.put(event)
        await asyncio.sleep(0)
    await run.flush()
    async with asyncio.timeout(3 * PATIENCE_SECONDS):
        await asyncio.gather(*watching)
    ticking.cancel()
    wanted = digest(await debates.state(conversation))
    kept_away = [client for client in clients if Close.SLOW in client.closes]
    assert {digest(client.state()) for client in clients if Close.SLOW not in client.closes} == {wanted}
    assert {digest(client.state()) for client in kept_away} == {wanted}
    # The test did what it says: those who took nothing were sent away, and nobody who took what came was.
    assert all(Close.SLOW in client.closes for client in clients if client.habit == "stalled")
    assert all(client.closes == [Close.ENDED] for client in clients if client.habit == "steady")
    assert any(len(client.closes) > 2 for client in clients if client.habit == "restless")
    assert readers() == []
