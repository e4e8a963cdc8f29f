"""A watcher's timers: heartbeats, and the limits after which its connection is closed.

Pure: `now` is always the event loop's time, in seconds.
"""

from typing import Final

from django.conf import settings

from streaming.wire.close_codes import Close

# How long a client may make no progress while full, before it is closed as slow. It reconnects with its cursor.
FULL_SECONDS: Final = 10.0
# How long a client must lag before it is notified, because a short lag is normal while catching up.
LAG_SECONDS: Final = 2.0
HEARTBEATS_MISSED: Final = 2


class Timers:
    """The timers of one watcher, which start when it connects."""

    def __init__(self, now: float) -> None:
        self.connected = now
        self._active = now
        self._received = now
        self._next_heartbeat = now + settings.OUTCRY_HEARTBEAT_SECONDS
        self._lagging_since: float | None = None
        self._full_since: float | None = None
        self._full_at = (0, 0)

    def received(self, now: float) -> None:
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

    def exceeded(
        self, now: float, *, is_idle: bool, full_at: tuple[int, int] | None, acknowledges: bool
    ) -> Close | None:
        """The close code of the limit that the watcher has reached, if any. `full_at` is its cursor, and how many bytes
        it has not read, while there is no room to send more; `acknowledges`: the client has acknowledged events."""
        if self._is_slow(now, full_at):
            return Close.SLOW
        if now - self.connected >= settings.OUTCRY_SESSION_SECONDS:
            return Close.EXPIRED
        if is_idle and now - self._active >= settings.OUTCRY_IDLE_SECONDS:
            return Close.IDLE
        # A client that never acknowledges need not answer heartbeats.
        silence = HEARTBEATS_MISSED * settings.OUTCRY_HEARTBEAT_SECONDS
        if acknowledges and now - self._received > silence:
            return Close.HEARTBEAT_MISSED
        return None

    def _is_slow(self, now: float, full_at: tuple[int, int] | None) -> bool:
        if full_at is None:
            self._full_since = None
            return False
        cursor, unread = full_at
        if self._full_since is None or cursor != self._full_at[0] or unread < self._full_at[1]:
            # A client that is slow but still makes progress restarts the timer.
            self._full_since = now
        self._full_at = full_at
        return now - self._full_since >= FULL_SECONDS
