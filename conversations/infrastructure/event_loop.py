"""What every event loop has one of: tasks and locks belong to the loop that made them."""

import asyncio
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class PerLoop(WeakKeyDictionary[asyncio.AbstractEventLoop, T]):
    """One `T` an event loop, made at its first use and forgotten with the loop."""

    def __init__(self, make: Callable[[], T]) -> None:
        super().__init__()
        self._make = make

    def here(self) -> T:
        """The running event loop's."""
        loop = asyncio.get_running_loop()
        if loop not in self:
            self[loop] = self._make()
        return self[loop]
