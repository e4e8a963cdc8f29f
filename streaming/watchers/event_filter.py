"""What a transport leaves out, as OUTCRY_EVENTS says."""

import asyncio
import json
from typing import Any

from django.conf import settings

from streaming.watchers.writers import Outlet
from streaming.wire.frames import Frame, standing_for


def sieved(transport: str, outlet: Outlet) -> Outlet:
    """The outlet, for this transport."""
    left_out = settings.OUTCRY_EVENTS.get(transport)
    return _Sieve(outlet, left_out) if left_out else outlet


class _Sieve:
    """Holds back some kinds of events. The next one that goes through stands for them, too: nobody takes them for
    lost."""

    def __init__(self, outlet: Outlet, left_out: frozenset[str]) -> None:
        self._outlet = outlet
        self._left_out = left_out
        self._after: int | None = None

    @property
    def measured(self) -> bool:
        return self._outlet.measured

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        if frame.after == frame.seq:
            # Not of the log.
            return self._outlet.write(self._as_known(frame))
        if frame.type in self._left_out:
            self._after = frame.after if self._after is None else self._after
            return None
        after, self._after = self._after, None
        return self._outlet.write(frame if after is None else standing_for(frame, after, frame.brings))

    def _as_known(self, frame: Frame) -> Frame:
        """A heartbeat that knows of no more than was let through: a client that never gets what it is told of would
        come back for it."""
        if self._after is None or frame.type != "heartbeat":
            return frame
        told = {**json.loads(frame.text), "data": {"head": self._after}}
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        return Frame(frame.seq, frame.type, text, frame.after)

    def abort(self) -> None:
        self._outlet.abort()
