"""Outages of the parts that a process needs (database, channel layer): one log line when one begins, and one when it
ends."""

import math
import threading
import time
from typing import Final

import structlog

logger = structlog.get_logger(__name__)


class Availability:
    """Whether a part is available, by the outcomes of its uses. Thread-safe.

    Each use has a name. While reading works and writing fails, the part is still unavailable. A use that has not failed
    for `forget_after` seconds counts as no longer tried."""

    def __init__(self, part: str, forget_after: float) -> None:
        self._part = part
        self._forget_after = forget_after
        self._lock = threading.Lock()
        self._began = 0.0
        # When a use with `stands_for_all` last worked.
        self._all_worked_at = -math.inf
        # When each failing use last failed.
        self._failing: dict[str, float] = {}

    def failed(self, what: str, failure: BaseException, since: float | None = None, **more: object) -> None:
        """A use failed; the first failure of an outage is logged, with `more`. `since` is when the use began, in
        monotonic time."""
        now = time.monotonic()
        with self._lock:
            if since is not None and since < self._all_worked_at:
                # The use began in an outage that has ended.
                return
            begins = not self._failing
            self._failing[what] = now
            if begins:
                self._began = now
        if begins:
            logger.error(f"{self._part}_away", what=what, exc_info=failure, **more)

    def worked(self, what: str, *, stands_for_all: bool = False) -> None:
        """A use worked; the end of the outage is logged once no use fails any more. `stands_for_all`: if this use
        works, all others do."""
        if not self._failing:
            return
        now = time.monotonic()
        with self._lock:
            was = bool(self._failing)
            self._failing.pop(what, None)
            for name, at in [*self._failing.items()]:
                if stands_for_all or now - at > self._forget_after:
                    del self._failing[name]
            if stands_for_all:
                self._all_worked_at = now
            over = was and not self._failing
            seconds = now - self._began
        if over:
            logger.warning(f"{self._part}_back", seconds=round(seconds, 1))

    def reset(self) -> None:
        """Forget all failures, without logging."""
        with self._lock:
            self._failing.clear()


# SQLite reports a lock after waiting for 20 s, so failures of one outage may be that far apart.
DATABASE: Final = Availability("database", forget_after=30)
CACHE: Final = Availability("cache", forget_after=5)
CHANNEL_LAYER: Final = Availability("channel_layer", forget_after=5)
QUEUE: Final = Availability("queue", forget_after=30)
COLLECTOR: Final = Availability("telemetry_collector", forget_after=60)
