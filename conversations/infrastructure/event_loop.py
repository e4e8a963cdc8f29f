"""State and background tasks that belong to one event loop: asyncio's tasks and locks work only in the loop that made
them. A serving process has one loop; tests have many."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class PerLoop(WeakKeyDictionary[asyncio.AbstractEventLoop, T]):
    """One `T` for each event loop, created at its first use and dropped with the loop."""

    def __init__(self, make: Callable[[], T]) -> None:
        super().__init__()
        self._make = make

    def here(self) -> T:
        """The `T` of the running event loop."""
        loop = asyncio.get_running_loop()
        if (mine := self.get(loop)) is None:
            mine = self[loop] = self._make()
        return mine


class BackgroundTasks:
    """Tasks that outlive the caller that started them, kept until they end, because asyncio holds only weak
    references."""

    def __init__(self) -> None:
        self._tasks: PerLoop[set[asyncio.Task[Any]]] = PerLoop(set)

    def spawn(
        self,
        work: Coroutine[Any, Any, T],
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> "asyncio.Task[T]":
        """Run `work` in the running loop. It gets a new context unless one is given: the caller's belongs to a request
        that may end earlier."""
        task = asyncio.get_running_loop().create_task(
            work, name=name, context=context or contextvars.Context()
        )
        tasks = self._tasks.here()
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    def here(self) -> "list[asyncio.Task[Any]]":
        """The tasks of the running loop that have not ended."""
        return [*self._tasks.here()]

    async def cancel(self) -> None:
        """Cancel the tasks of the running loop, and return when they have ended."""
        tasks = self.here()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
