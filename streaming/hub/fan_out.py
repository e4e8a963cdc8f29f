"""Serving the watchers of one conversation in slices, so that a thousand of them do not block the event loop."""

import asyncio
from collections.abc import Callable

# Watchers served before the event loop gets its turn.
SLICE = 100


class FanOut:
    """Calls every watcher's `pump` after new frames have arrived: it sends what there is room for, and must not raise.
    A watcher gets all frames that have arrived by its turn, so deliveries grow under load, like the log's commits."""

    def __init__(self) -> None:
        self._served: dict[Callable[[], None], None] = {}
        self._due: list[Callable[[], None]] = []
        self._is_running = False
        self._is_again_due = False

    def add(self, pump: Callable[[], None]) -> None:
        self._served[pump] = None

    def remove(self, pump: Callable[[], None]) -> None:
        self._served.pop(pump, None)

    def start(self) -> None:
        """Pump every watcher soon. If a round is under way, another one follows it."""
        self._is_again_due = True
        if not self._is_running:
            self._is_running = True
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        if not self._due:
            self._is_again_due = False
            self._due = [*self._served]
        for _ in range(min(SLICE, len(self._due))):
            pump = self._due.pop()
            pump()
        self._is_running = self._is_again_due or bool(self._due)
        if self._is_running:
            asyncio.get_running_loop().call_soon(self._serve)
