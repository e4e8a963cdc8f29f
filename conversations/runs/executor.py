"""Executing a claimed debate to its end.

Two tasks run. One stores the debate's events; during a pause it waits before the next one. The other reads people's
commands: it pauses and resumes the first, or stops it. Both use one appender, so that their events are stored in the
order in which they are written.
"""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from conversations.domain.enums import Mode, Status
from conversations.domain.events import StatusChanged
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.runs import endings
from conversations.runs.control import Left, RunControl
from conversations.runs.lease import Lease

if TYPE_CHECKING:
    from conversations.orchestration.debate import Debate

# The `reason` of a debate that a person has cancelled.
CANCELLED: Final = "cancelled"


class RunExecutor:
    """Executes `debate`, which must have `control` as its control."""

    def __init__(self, lease: Lease, debate: "Debate", control: RunControl) -> None:
        self._lease = lease
        self._debate = debate
        self._control = control

    @property
    def mode(self) -> Mode:
        """The mode for the last status of a debate that does not end by itself. A demo stays a demo."""
        return Mode.DEMO if self._lease.mode is Mode.DEMO else self._debate.state.mode

    async def execute(self) -> None:
        """Return when the end of the debate, or its cancellation, is stored.

        Otherwise raises ProviderError, Fenced, Left, LogUnavailable, or an unexpected exception."""
        control = self._control
        ended = None if control.is_cancelled else await self._until_stopped()
        # Flush first: a failure to store is reported before any other.
        if control.has_ended:
            await control.appender.flush()
        elif control.is_cancelled:
            await self._end_cancelled()
        else:
            await control.appender.flush()
            if ended is None:
                raise Left("The run was asked to leave.")
            ended.result()

    async def _until_stopped(self) -> "asyncio.Task[None] | None":
        """Run the tasks until one has ended, and return it; None if `control` stopped them."""
        events = asyncio.create_task(self._store_events())
        following = asyncio.create_task(self._control.follow())
        stopping = asyncio.create_task(self._control.stopping.wait())
        tasks = {events, following, stopping}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = next((task for task in (events, following) if task.done()), None)
            for task in tasks:
                task.cancel()
            # Wait for the tasks, so that the connection to the model is closed.
            await asyncio.wait(tasks)
            for task in tasks:
                # Retrieve the exceptions, so that asyncio does not log them.
                task.cancelled() or task.exception()
        return ended

    async def _store_events(self) -> None:
        async with aclosing(self._debate.events()) as events:
            async for event in events:
                await self._control.store(event)
        await self._control.appender.flush()

    async def _end_cancelled(self) -> None:
        await self._control.appender.flush()
        ends = await database.call(endings.cancelled, self._lease.conversation, retry=True)
        ended = StatusChanged(status=Status.CANCELLED, mode=self.mode, reason=CANCELLED)
        await appender.append(self._lease.conversation, *ends, ended, run=self._lease.run)
