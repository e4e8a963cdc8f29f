"""Time limits of a reply."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager


class ReplyClock:
    """Limits in seconds: `patience` to the first token of each call, `stall` between two tokens, `whole` for an answer
    in one piece.

    The clock stops while the model waits for us; `paused_seconds` is for how long that was so far."""

    def __init__(self, patience: float, stall: float, whole: float) -> None:
        self.paused_seconds = 0.0
        self._patience = patience
        self._stall = stall
        self._whole = whole
        self._timeout: asyncio.Timeout | None = None
        self._restarted = 0.0
        self._pauses = 0

    def limit(self) -> asyncio.Timeout:
        """Context around the reply. Raises TimeoutError when a limit is exceeded."""
        self._timeout = asyncio.timeout(self._patience)
        return self._timeout

    def token(self) -> None:
        """A token has arrived: restart the limit between two tokens."""
        now = asyncio.get_running_loop().time()
        # Not at every token: moving a timer takes more CPU than all other work for a token.
        if now - self._restarted > self._stall / 10:
            self._restart(self._stall)

    def call(self) -> None:
        """A new call of the model begins: restart the limit to the first token."""
        self._await_first(self._patience)

    def whole_answer(self) -> None:
        """An answer in one piece was asked for: restart the limit to its end."""
        self._await_first(self._whole)

    def expire(self) -> None:
        """End the reply now."""
        self._restart(0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Context in which the clock is stopped; the next token or call starts it again."""
        self._pauses += 1
        self._restarted = 0.0
        if self._timeout is not None:
            self._timeout.reschedule(None)
        began = time.monotonic()
        try:
            yield
        finally:
            self._pauses -= 1
            self.paused_seconds += time.monotonic() - began

    def _await_first(self, seconds: float) -> None:
        self._restart(seconds)
        # The first token restarts the clock, however early it comes.
        self._restarted = 0.0

    def _restart(self, seconds: float) -> None:
        if self._timeout is not None and not self._pauses:
            self._restarted = asyncio.get_running_loop().time()
            self._timeout.reschedule(self._restarted + seconds)
