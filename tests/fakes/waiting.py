"""Waiting for what has happened elsewhere: in another task, event loop or thread. With a deadline, never a sleep."""

import asyncio
import threading
from collections.abc import Callable

# Long enough for a busy machine; a test that gets here has failed.
PATIENCE_SECONDS = 20.0


class Signal:
    """Wakes threads and tasks that wait for a condition, to check it again after each `notify`."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiters: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def notify(self) -> None:
        with self._condition:
            self._condition.notify_all()
            for loop, event in self._waiters:
                # Nothing waits in a closed loop.
                if not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)

    async def until(self, true: Callable[[], object], seconds: float | None = PATIENCE_SECONDS) -> None:
        """Raises TimeoutError."""
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._condition:
            self._waiters.add(waiter)
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    await event.wait()
                    event.clear()
        finally:
            with self._condition:
                self._waiters.discard(waiter)

    def block_until(self, true: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
        """`until` for a thread without an event loop. Raises TimeoutError."""
        with self._condition:
            if not self._condition.wait_for(true, seconds):
                raise TimeoutError


class Gate:
    """Tokens wait here until a test lets them through. For any thread.

    `waiting` is how many have come so far: once it is 3, two are on their way and the third stands here."""

    def __init__(self) -> None:
        self.waiting = 0
        self.signal = Signal()
        self._allowed: float = 0

    def let(self, tokens: int = 1) -> None:
        """Let that many more tokens through."""
        self._allowed += tokens
        self.signal.notify()

    def open(self) -> None:
        """Let all through from now on."""
        self._allowed = float("inf")
        self.signal.notify()

    async def reached(self, tokens: int) -> None:
        """Return once that many tokens have come to the gate: all before the last one have been sent."""
        await self.signal.until(lambda: self.waiting >= tokens)

    async def passed(self) -> None:
        """One token goes through, as soon as it may."""
        self.waiting += 1
        number = self.waiting
        self.signal.notify()
        await self.signal.until(lambda: self._allowed >= number, None)
