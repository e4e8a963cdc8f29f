"""The bounded buffer between a model and the log. It drops nothing: when it is full, the model's stream is not read."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

# Tokens that a model may be ahead of the log. Reading stops at 80 % and starts again at 30 %, not at every token. The
# room above 80 % is for the rest of the last read.
MAX_AHEAD = 1_000
PAUSE_AT = 0.8
RESUME_AT = 0.3


class TokenBuffer(Generic[T]):
    """A FIFO queue. A producer for whom `put` returned False awaits `room` before it puts another.

    `held`: the producer has to wait; `was_held`: it has had to wait before."""

    def __init__(self, limit: int = MAX_AHEAD) -> None:
        self.held = False
        self.was_held = False
        self._limit = limit
        self._pause_at = max(1, int(limit * PAUSE_AT))
        self._resume_at = int(limit * RESUME_AT)
        self._items: deque[T] = deque()
        self._closed = False
        self._room = asyncio.Event()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> bool:
        """Add an item; returns whether there is room for another. Raises OverflowError if there is none for this
        one."""
        if len(self._items) >= self._limit:
            raise OverflowError("The buffer is full; wait for room.")
        self._items.append(item)
        self._filled.set()
        if len(self._items) >= self._pause_at and not self.held:
            self.held = self.was_held = True
            self._room.clear()
        return not self.held

    async def room(self) -> None:
        """Return once there is room again."""
        while self.held:
            await self._room.wait()

    def close(self) -> None:
        """No more items will be put."""
        self._closed = True
        self._filled.set()

    async def get(self) -> T | None:
        """The next item, once there is one; None after the last of a buffer that was closed."""
        while not self._items:
            if self._closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if self.held and len(self._items) <= self._resume_at:
            self.held = False
            self._room.set()
        return item
