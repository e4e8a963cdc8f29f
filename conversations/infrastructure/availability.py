"""Saying once in the server's log that a part is away, and once that it is back, however often it was tried."""

import math
import threading
import time
from typing import Final

import structlog

logger = structlog.get_logger(__name__)


class Outage:
    """Whether a part that the process needs is away, as seen by all who use it. For any thread.

    `what` names a use of it: where reading works and writing does not, the part is still away. A use that has not
    failed for `forgotten` seconds is not tried any more."""

    def __init__(self, part: str, forgotten: float) -> None:
        self._part = part
        self._forgotten = forgotten
        self._lock = threading.Lock()
        self._began = 0.0
        # When last something worked that needs everything.
        self._whole_at = -math.inf
        # When each use failed last.
        self._failing: dict[str, float] = {}

    def failed(self, what: str, failure: BaseException, since: float | None = None, **more: object) -> None:
        """A use failed; the first one of an outage is told to the log. `since` is when it began, in monotonic time."""
        now = time.monotonic()
        with self._lock:
            if since is not None and since < self._whole_at:
                # What it met is over.
                return
            begins = not self._failing
            self._failing[what] = now
            if begins:
                self._began = now
        if begins:
            logger.error(f"{self._part}_away", what=what, exc_info=failure, **more)

    def worked(self, what: str, *, wholly: bool = False) -> None:
        """A use worked; where none fails any more, that is told to the log. `wholly`: where this works, all does."""
        if not self._failing:
            return
        now = time.monotonic()
        with self._lock:
            was = bool(self._failing)
            self._failing.pop(what, None)
            for name, at in [*self._failing.items()]:
                if wholly or now - at > self._forgotten:
                    del self._failing[name]
            if wholly:
                self._whole_at = now
            over = was and not self._failing
            seconds = now - self._began
        if over:
            logger.warning(f"{self._part}_back", seconds=round(seconds, 1))

    def forget(self) -> None:
        """Begin anew, without a word."""
        with self._lock:
            self._failing.clear()


# SQLite waits for 20 seconds before it says that it is locked.
DATABASE: Final = Outage("database", forgotten=30)
CACHE: Final = Outage("cache", forgotten=5)
CHANNEL_LAYER: Final = Outage("channel_layer", forgotten=5)
QUEUE: Final = Outage("queue", forgotten=30)
COLLECTOR: Final = Outage("telemetry_collector", forgotten=60)
