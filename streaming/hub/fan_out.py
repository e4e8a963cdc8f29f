"""Serving the watchers of one conversation in slices, so that a thousand of them do not hold up the event loop."""

import asyncio
from typing import Protocol

# Watchers served before the event loop gets its turn.
SLICE = 100


class Served(Protocol):
    """A watcher, as its reader sees it."""

    def pump(self) -> None:
        """Take what `ConversationReader.ready` holds, as far as there is room. Must not raise."""


class FanOut:
    """Pumps every watcher after new frames have come. One that is served after still more have come gets those, too:
    deliveries grow under load, as the log's commits do."""

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
        """Serve every watcher soon; once more, where some are being served already."""
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
