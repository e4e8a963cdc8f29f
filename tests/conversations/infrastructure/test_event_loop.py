"""Background tasks and state of one event loop."""

import asyncio
from contextvars import ContextVar

from conversations.infrastructure.event_loop import BackgroundTasks, PerLoop

who: ContextVar[str] = ContextVar("who", default="nobody")


async def test_background_task_is_kept_until_it_ends_and_has_a_new_context() -> None:
    async def read() -> str:
        return who.get()

    tasks = BackgroundTasks()
    who.set("alice")
    task = tasks.spawn(read(), "reading")
    assert (tasks.here(), task.get_name()) == ([task], "reading")
    assert await task == "nobody"
    assert tasks.here() == []


async def test_cancel_ends_the_tasks_of_the_running_loop() -> None:
    tasks = BackgroundTasks()
    task = tasks.spawn(asyncio.sleep(60))
    await tasks.cancel()
    assert task.cancelled()


def test_each_loop_has_its_own_state() -> None:
    lists: PerLoop[list[int]] = PerLoop(list)

    async def add(number: int) -> list[int]:
        lists.here().append(number)
        return [*lists.here()]

    assert [asyncio.run(add(number)) for number in (1, 2)] == [[1], [2]]
