"""Controlling a run: reads people's commands and messages from the log, and writes the run's status to it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from conversations.domain.enums import TERMINAL, Status
from conversations.domain.errors import LogUnavailable, OutcryError
from conversations.domain.events import EventData, InputRequest, StatusChanged, Token
from conversations.domain.human_input import HumanInput, Question
from conversations.event_log import commands, queries
from conversations.event_log.appender import Appender
from conversations.infrastructure import database
from conversations.runs.lease import Lease
from conversations.runs.throttle import TokenRate

logger = structlog.get_logger(__name__)


class Left(OutcryError):
    """The run was asked to stop, and did so between two turns; another run continues the debate."""

    code = "left"


class RunControl:
    """The debate's `TeamControl`, and the writer of its events.

    `human_input` is people's input in the log when the run began; `wakeup` is set when there may be more. `on_idle` is
    called when the status changes, with whether the debate is now waiting for people."""

    def __init__(
        self,
        lease: Lease,
        human_input: HumanInput,
        wakeup: asyncio.Event,
        on_idle: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self.appender = Appender(lease.conversation, lease.run)
        # Set when the debate has to stop at once.
        self.stopping = asyncio.Event()
        self.is_leaving = False
        self._lease = lease
        self._human_input = human_input
        self._wakeup = wakeup
        self._on_idle = on_idle
        # Set unless the debate is paused.
        self._gate = asyncio.Event()
        self._gate.set()
        self._rate = TokenRate(settings.OUTCRY_MAX_TOKENS_PER_SECOND)
        self._refreshing = asyncio.Lock()
        self._refreshed = asyncio.Event()
        # The debate's own status, and the one last stored, which differs during a pause.
        self._status: StatusChanged | None = None
        self._stored: StatusChanged | None = None

    @property
    def is_cancelled(self) -> bool:
        return self._human_input.cancelled

    @property
    def has_ended(self) -> bool:
        """Whether the debate has ended by itself."""
        return self._status is not None and self._status.status in TERMINAL

    @property
    def is_idle(self) -> bool:
        """Whether the debate is paused or waits for an answer."""
        is_awaiting = self._status is not None and self._status.status is Status.AWAITING_INPUT
        return is_awaiting or not self._gate.is_set()

    def leave(self) -> None:
        """Stop before the next turn, or at once if the debate is idle."""
        self.is_leaving = True
        if self.is_idle:
            self.stopping.set()

    # For the debate

    async def checkpoint(self) -> HumanInput:
        while True:
            await self._gate.wait()
            await self.appender.flush()
            await self._refresh()
            if self.is_leaving or self.is_cancelled:
                raise Left("The run was asked to leave.")
            if self._gate.is_set():
                return self._human_input

    async def answer(self, request: UUID) -> Question:
        await self.appender.flush()
        await self._refresh()
        question = self._human_input.questions[request]
        while question.is_open:
            self._refreshed.clear()
            try:
                # Not wait_for, which before Python 3.12 may lose a cancellation.
                async with asyncio.timeout(_seconds_left(question.asked)):
                    await self._refreshed.wait()
            except TimeoutError:
                await commands.expire(self._lease.conversation, self._lease.run, request)
                # The question is expired now, unless an answer was stored first.
                await self._refresh()
        return question

    # For the executor

    async def store(self, event: EventData) -> None:
        """Queue the debate's next event for the log, once the token rate, the log and a pause allow it.

        Raises the failure of any earlier event."""
        if isinstance(event, StatusChanged) and event.status not in TERMINAL:
            self._status = event
            self._show_status()
            return
        if isinstance(event, Token):
            await self._rate.wait(event.token_count)
        await self.appender.drain()
        while not self._gate.is_set():
            await self._gate.wait()
            # Other events may have been queued during the pause.
            await self.appender.drain()
        if isinstance(event, StatusChanged):
            self._status = event
        self.appender.put(_dated(event) if isinstance(event, InputRequest) else event)

    async def follow(self) -> None:
        """Read the log at each wake-up, until cancelled. Raises the failure of any queued event."""
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            try:
                await self._refresh()
            except LogUnavailable:
                # The next heartbeat sets the wake-up again.
                logger.warning("commands_not_read", exc_info=True)
            # During a pause nothing else would notice that storing an event, such as the pause, has failed.
            self.appender.check()

    async def _refresh(self) -> None:
        """Fold people's new events, and execute their commands."""
        async with self._refreshing:
            for row in await database.call(self._new_input, retry=True):
                self._human_input.take(*row)
        self._refreshed.set()
        self._show_status()
        if self.is_cancelled and not self.has_ended:
            self.stopping.set()

    def _new_input(self) -> list[queries.Row]:
        return [*queries.read_all(self._lease.conversation, self._human_input.head, HumanInput.TYPES)]

    def _show_status(self) -> None:
        """Store the status if it has changed. A pause takes precedence over the debate's own status, and clears the
        gate."""
        own = self._status
        if own is None or own.status in TERMINAL or self.is_cancelled:
            return
        if own.status is Status.INITIALIZING and self._stored is None:
            self._store_status(own)
        if self._human_input.paused:
            self._gate.clear()
            self._store_status(own, Status.PAUSED)
            return
        is_answered = own.status is Status.AWAITING_INPUT and not any(
            question.is_open for question in self._human_input.questions.values()
        )
        self._store_status(own, Status.ACTIVE if is_answered else own.status)
        self._gate.set()

    def _store_status(self, own: StatusChanged, status: Status | None = None) -> None:
        shown = own.model_copy(update={"status": status or own.status})
        if shown != self._stored:
            self._stored = shown
            self.appender.put(shown)
            self._on_idle(shown.status in {Status.PAUSED, Status.AWAITING_INPUT})


def _dated(request: InputRequest) -> InputRequest:
    """The question with a deadline counted from now, since a pause may have delayed it."""
    if request.timeout is None:
        return request
    return request.model_copy(update={"deadline": timezone.now() + timedelta(seconds=request.timeout)})


def _seconds_left(request: InputRequest) -> float | None:
    if request.deadline is None:
        return None
    return max(0.0, (request.deadline - timezone.now()).total_seconds())
