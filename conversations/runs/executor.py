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
    from conversations.orchestration.assignment import Assignment

# The `reason` of a debate that a person has cancelled.
CANCELLED: Final = "cancelled"


def mode(lease: Lease, assignment: "Assignment | None") -> Mode:
    """The mode for the last status of a debate that does not end by itself. A demo stays a demo."""
    return lease.mode if assignment is None or lease.mode is Mode.DEMO else assignment.state.mode


async def execute(lease: Lease, assignment: "Assignment", control: RunControl) -> None:
    """Execute the debate, whose control is `control`. Return when its end, or its cancellation, is stored.

    Otherwise raises ProviderError, Fenced, Left, LogUnavailable, or an unexpected exception."""
    ended = None if control.is_cancelled else await _until_stopped(assignment, control)
    # Flush first: a failure to store is reported before any other.
    await control.appender.flush()
    if control.has_ended:
        return
    if control.is_cancelled:
        ends = await database.call(endings.cancelled, lease.conversation, retry=True)
        last = StatusChanged(status=Status.CANCELLED, mode=mode(lease, assignment), reason=CANCELLED)
        await appender.append(lease.conversation, *ends, last, run=lease.run)
    elif ended is None:
        raise Left("The run was asked to leave.")
    else:
        ended.result()


async def _until_stopped(assignment: "Assignment", control: RunControl) -> "asyncio.Task[None] | None":
    """Run the tasks until one has ended, and return it; None if `control` stopped them."""
    events = asyncio.create_task(_store_events(assignment, control))
    following = asyncio.create_task(control.follow())
    stopping = asyncio.create_task(control.stopping.wait())
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


async def _store_events(assignment: "Assignment", control: RunControl) -> None:
    async with aclosing(assignment.events()) as events:
        async for event in events:
            await control.store(event)
    await control.appender.flush()
