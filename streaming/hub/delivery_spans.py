"""Spans of a conversation's way from the log to a browser's paint, where telemetry is on.

One of each kind for a message and process, by the first of the watchers: a thousand of them say no more, and tokens
are too many for spans.
"""

from datetime import datetime
from typing import Final

from conversations.infrastructure import tracing
from streaming.wire.frames import Frame

BEGINS: Final = "message_start"


class DeliverySpans:
    """Of one conversation; `traceparent` says where its trace begins, empty for one that has none."""

    __slots__ = ("_handed_over", "_painted", "_traceparent")

    def __init__(self, traceparent: str) -> None:
        self._traceparent = traceparent
        self._handed_over = 0
        self._painted = ""

    def handed_over(self, frame: Frame, at: datetime, now: datetime, transport: str) -> None:
        """A connection got an event, `now`, that the log took `at`: a message's begin is recorded, once."""
        if frame.type == BEGINS and frame.seq > self._handed_over and self._traceparent and tracing.is_on():
            self._handed_over = frame.seq
            self._record("deliver", frame, at, now, transport)

    def painted(self, token: Frame, at: datetime, painted: datetime, transport: str) -> None:
        """A client has painted a token that the log took `at`: a message's first to be told is recorded."""
        if self._traceparent and tracing.is_on() and (message := token.data["message"]) != self._painted:
            self._painted = message
            self._record("paint", token, at, painted, transport)

    def _record(self, name: str, frame: Frame, began: datetime, ended: datetime, transport: str) -> None:
        values: dict[str, tracing.Value] = {
            "outcry.message": str(frame.data["message"]),
            "outcry.seq": frame.seq,
            "outcry.transport": transport,
        }
        began_ns, ended_ns = (tracing.nanoseconds(time.timestamp()) for time in (began, ended))
        tracing.span(name, self._traceparent, began_ns, ended_ns, values)
