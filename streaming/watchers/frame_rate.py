"""How many frames a second one client may send: a token bucket. Pure; times are the event loop's, in seconds."""

from typing import Final

from django.conf import settings

# So many seconds' frames may come at once, such as after the network held them up.
BURST_SECONDS: Final = 4


class FrameRate:
    """The frames of one connection, at most OUTCRY_MAX_FRAMES_PER_SECOND."""

    __slots__ = ("_at", "_left")

    def __init__(self, now: float) -> None:
        self._left: float = settings.OUTCRY_MAX_FRAMES_PER_SECOND * BURST_SECONDS
        self._at = now

    def allows(self, now: float) -> bool:
        """Count one more frame; whether it is within the limit."""
        rate = settings.OUTCRY_MAX_FRAMES_PER_SECOND
        self._left = min(self._left + (now - self._at) * rate, rate * BURST_SECONDS)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
