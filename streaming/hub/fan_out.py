"""Serving the watchers of one conversation in slices, so that a thousand of them do not block the event loop."""

import asyncio
from typing import Protocol

# Watchers served before the event loop gets its turn.
SLICE = 100


class Served(Protocol):
    """A watcher, as its reader sees it."""

    def pump(self) -> None:
        """Send what `ConversationReader.ready` holds, as far as there is room. Must not raise."""


class FanOut:
    """Pumps every watcher after new frames have arrived. A watcher gets all frames that have arrived by its turn, so
    deliveries grow under load, like the log's commits."""

    def __init__(self) -> None:
        self._served: dict[Served, None] = {}
        self._due: list[Served] = []
        self._is_running = False
        self._is_again_due = False

    def add(self, watcher: Served) -> None:
        self._served[watcher] = None

    def remove(self, watcher: Served) -> None:
        self._served.pop(watcher, None)

    def start(self) -> None:
        """Pump every watcher soon. If a round is under way, another one follows it."""
        self._is_again_due = True
        if not self._is_running:
            self._is_running = True
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        if not self._due:
            if not self._is_again_due:
                self._is_running = False
                return
            self._is_again_due = False
            self._due = [*self._served]
        for _ in range(min(SLICE, len(self._due))):
            self._due.pop().pump()
        asyncio.get_running_loop().call_soon(self._serve)
