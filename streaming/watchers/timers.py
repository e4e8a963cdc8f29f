"""A watcher's timers: heartbeats, and the limits after which its connection is closed.

Pure: `now` is always the event loop's time, in seconds.
"""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from streaming.wire.close_codes import Close

# How long a client may make no progress while full, before it is closed as slow. It reconnects with its cursor.
FULL_SECONDS: Final = 10.0
# How long a client must lag before it is notified, because a short lag is normal while catching up.
LAG_SECONDS: Final = 2.0
HEARTBEATS_MISSED: Final = 2


@dataclass(frozen=True)
class Situation:
    """The state of a watcher that the limits depend on. `is_full`: there are events after `cursor`, and no room to send
    them."""

    is_following: bool
    is_paused: bool
    is_full: bool
    cursor: int
    acknowledges: bool


class Timers:
    """The timers of one watcher, which start when it connects."""

    def __init__(self, now: float) -> None:
        self.connected = now
        self._active = now
        self._received = now
        self._next_heartbeat = now + settings.OUTCRY_HEARTBEAT_SECONDS
        self._lagging_since: float | None = None
        self._full_since: float | None = None
        self._full_at = 0

    def received(self, now: float) -> None:
        """The client has sent something."""
        self._received = now

    def active(self, now: float) -> None:
        """The client has subscribed or paused: restart the idle timer."""
        self._active = now

    def is_heartbeat_due(self, now: float) -> bool:
        """Returns True once in OUTCRY_HEARTBEAT_SECONDS."""
        if now < self._next_heartbeat:
            return False
        self._next_heartbeat = now + settings.OUTCRY_HEARTBEAT_SECONDS
        return True

    def has_lagged(self, now: float, is_lagging: bool) -> bool:
        """Whether the watcher has lagged at every call for LAG_SECONDS."""
        if not is_lagging:
            self._lagging_since = None
        elif self._lagging_since is None:
            self._lagging_since = now
        return self._lagging_since is not None and now - self._lagging_since >= LAG_SECONDS

    def exceeded(self, now: float, situation: Situation) -> Close | None:
        """The close code of the limit that the watcher has reached, if any."""
        if self._is_slow(now, situation):
            return Close.SLOW
        if now - self.connected >= settings.OUTCRY_SESSION_SECONDS:
            return Close.EXPIRED
        is_idle = situation.is_paused or not situation.is_following
        if is_idle and now - self._active >= settings.OUTCRY_IDLE_SECONDS:
            return Close.IDLE
        # A client that never acknowledges need not answer heartbeats.
        silence = HEARTBEATS_MISSED * settings.OUTCRY_HEARTBEAT_SECONDS
        if situation.is_following and situation.acknowledges and now - self._received > silence:
            return Close.HEARTBEAT_MISSED
        return None

    def _is_slow(self, now: float, situation: Situation) -> bool:
        if not situation.is_full:
            self._full_since = None
        elif self._full_since is None or situation.cursor != self._full_at:
            # A client that is slow but still makes progress restarts the timer.
            self._full_since, self._full_at = now, situation.cursor
        return self._full_since is not None and now - self._full_since >= FULL_SECONDS
