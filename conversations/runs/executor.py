"""One run: the pipe from a debate into its log, and what people command it to do meanwhile.

Two tasks. The pipe takes the debate's events and hands them to the log; at a closed gate it holds the next one. The
conductor looks into the log whenever somebody has told the conversation something, closes and opens the gate, or ends
the pipe. Both write through one appender, so that what they write is stored in the order of their doing.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from conversations.domain.enums import TERMINAL, Mode, Status
from conversations.domain.errors import LogUnavailable, OutcryError
from conversations.domain.events import EventData, InputRequest, StatusChanged, Token
from conversations.domain.human_input import HumanInput, Question
from conversations.event_log import appender, commands
from conversations.infrastructure import database
from conversations.runs import endings
from conversations.runs.token_throttle import TokenThrottle

if TYPE_CHECKING:
    from conversations.orchestration.debate import Debate

logger = structlog.get_logger(__name__)

# The `reason` of what a person cancelled.
CANCELLED: Final = "cancelled"


class Left(OutcryError):
    """The run was asked to leave, and did so before a turn; another goes on from there."""

    code = "left"


@dataclass(frozen=True)
class Claimed:
    """A conversation that is ours to run; `mode` is what it was in so far, `attempts` how many runs have begun since
    its last finished turn, `traceparent` where its trace begins."""

    conversation: UUID
    run: UUID
    mode: Mode
    attempts: int = 1
    traceparent: str = ""


class RunExecutor:
    """Drives a debate to its end. `called` is set when there may be something new in the log for the run; `rests` is
    told whether the debate now waits for people, whenever it changes its status."""

    def __init__(
        self,
        claimed: Claimed,
        debate: "Debate",
        people: HumanInput,
        called: asyncio.Event,
        rests: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._claimed = claimed
        self._debate = debate
        self._people = people
        self._called = called
        self._rests = rests
        self._appender = appender.Appender(claimed.conversation, claimed.run)
        self._pace = TokenThrottle(settings.OUTCRY_MAX_TOKENS_PER_SECOND)
        self._gate = asyncio.Event()
        self._gate.set()
        self._looking = asyncio.Lock()
        self._news = asyncio.Event()
        # Where the debate is, and what was last said of it: while it is paused they differ.
        self._stands = Status.QUEUED
        self._shown: StatusChanged | None = None
        self._is_leaving = False
        self._pipe_task: asyncio.Task[None] | None = None
        debate.audience = self

    @property
    def mode(self) -> Mode:
        """The mode to end in, where the debate does not end by itself."""
        # A demo stays one, whatever would have spoken next.
        return Mode.DEMO if self._claimed.mode is Mode.DEMO else self._debate.mode

    @property
    def is_at_rest(self) -> bool:
        """Whether it only waits for people."""
        return not self._gate.is_set() or self._stands is Status.AWAITING_INPUT

    def leave(self) -> None:
        """End at the next turn's edge, or now where nothing is being said; `drive` then raises Left."""
        self._is_leaving = True
        if self.is_at_rest:
            self._stop_pipe()

    async def drive(self) -> None:
        """Return when the debate has ended, or was cancelled; that is then stored. Raises what ended it otherwise:
        ProviderError, Fenced, Left, LogUnavailable, or a fault of ours."""
        if not self._is_cancelled():
            pipe = self._pipe_task = asyncio.create_task(self._pipe())
            conductor = asyncio.create_task(self._conduct())
            try:
                await asyncio.wait({pipe, conductor}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._stop_pipe()
                # It ends by a fault only; where both have one, it is the same.
                conductor.cancel()
                # When the pipe has ended, so has the connection to the model.
                await asyncio.wait({pipe, conductor})
            if self._stands in TERMINAL:
                return await self._appender.flush()
            if not self._is_cancelled():
                # What is told of the end goes by what is stored.
                await self._appender.flush()
                if self._is_leaving and pipe.cancelled():
                    raise Left("The run was asked to leave.")
                return (pipe if conductor.cancelled() else conductor).result()
        return await self._end_cancelled()

    def _is_cancelled(self) -> bool:
        return self._people.cancelled

    def _stop_pipe(self) -> None:
        # Once: a second time it would be torn from its cleaning up.
        task, self._pipe_task = self._pipe_task, None
        if task is not None:
            task.cancel()

    # For the debate

    async def edge(self) -> HumanInput:
        while True:
            await self._gate.wait()
            await self._appender.flush()
            await self._look()
            if self._is_leaving:
                raise Left("The run was asked to leave.")
            if self._gate.is_set():
                return self._people

    async def answer(self, request: UUID) -> Question:
        await self._appender.flush()
        await self._look()
        question = self._people.questions[request]
        while question.is_open:
            self._news.clear()
            try:
                # Not wait_for, which before Python 3.12 loses a cancel that comes with the news.
                async with asyncio.timeout(_seconds_left(question.asked)):
                    await self._news.wait()
            except TimeoutError:
                await commands.expire(self._claimed.conversation, self._claimed.run, request)
                # Nobody has, or somebody was faster.
                await self._look()
        return question

    # The pipe

    async def _pipe(self) -> None:
        async with aclosing(self._debate.events()) as events:
            while True:
                await self._gate.wait()
                try:
                    event = await anext(events)
                except StopAsyncIteration:
                    break
                await self._take(event)
        await self._appender.flush()

    async def _take(self, event: EventData) -> None:
        if isinstance(event, StatusChanged) and event.status not in TERMINAL:
            self._stands = event.status
            self._show()
            return
        if isinstance(event, Token):
            await self._pace.wait(event.token_count)
        await self._appender.room()
        while not self._gate.is_set():
            await self._gate.wait()
            await self._appender.room()
        if isinstance(event, StatusChanged):
            self._stands = event.status
        self._appender.put(_from_now(event) if isinstance(event, InputRequest) else event)

    # The conductor

    async def _conduct(self) -> None:
        while True:
            await self._called.wait()
            self._called.clear()
            try:
                await self._look()
            except LogUnavailable:
                # The next heartbeat calls again.
                logger.warning("commands_not_read", exc_info=True)
            # At a closed gate the pipe would never hear that the log takes nothing more, such as the pause itself.
            self._appender.check()

    async def _look(self) -> None:
        """Take what people have told by now, and do it."""
        async with self._looking:
            rows = await database.call(
                endings.human_input, self._claimed.conversation, self._people.head, retry=True
            )
            for row in rows:
                self._people.take(*row)
        self._news.set()
        self._show()
        if self._people.cancelled and self._stands not in TERMINAL:
            self._stop_pipe()

    def _show(self) -> None:
        """Say in which status the conversation is, where that has changed, and let nothing pass while it is paused."""
        if self._stands is Status.QUEUED or self._stands in TERMINAL or self._people.cancelled:
            return
        if self._stands is Status.INITIALIZING and self._shown is None:
            self._say(Status.INITIALIZING)
        if self._people.paused:
            self._gate.clear()
            self._say(Status.PAUSED)
        else:
            is_settled = self._stands is Status.AWAITING_INPUT and not self._is_awaiting()
            self._say(Status.ACTIVE if is_settled else self._stands)
            self._gate.set()

    def _is_awaiting(self) -> bool:
        return any(question.is_open for question in self._people.questions.values())

    def _say(self, status: Status) -> None:
        told = StatusChanged(status=status, mode=self.mode, reason=self._debate.reason)
        if told != self._shown:
            self._shown = told
            self._appender.put(told)
            self._rests(status in {Status.PAUSED, Status.AWAITING_INPUT})

    # The end

    async def _end_cancelled(self) -> None:
        await self._appender.flush()
        ends = await database.call(endings.cancelled, self._claimed.conversation, retry=True)
        ended = StatusChanged(status=Status.CANCELLED, mode=self.mode, reason=CANCELLED)
        await appender.append(self._claimed.conversation, *ends, ended, run=self._claimed.run)


def _from_now(request: InputRequest) -> InputRequest:
    """The question with all of its time before it, however long a pause has held it."""
    if request.timeout is None:
        return request
    return request.model_copy(update={"deadline": timezone.now() + timedelta(seconds=request.timeout)})


def _seconds_left(request: InputRequest) -> float | None:
    if request.deadline is None:
        return None
    return max(0.0, (request.deadline - timezone.now()).total_seconds())
