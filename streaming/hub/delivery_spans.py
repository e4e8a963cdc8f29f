"""Spans of a message's delivery, from the log to a browser's paint, if telemetry is on.

A process records one `deliver` and one `paint` span a message, for the first watcher only. Tokens get no spans, because
they are too many.
"""

from datetime import datetime

from conversations.domain.frames import Frame
from conversations.infrastructure import tracing


class DeliverySpans:
    """The spans of one conversation, as children of `traceparent`, which is empty if the conversation has no trace."""

    def __init__(self, traceparent: str) -> None:
        self._traceparent = traceparent
        self._recorded: set[tuple[str, str]] = set()

    def record(self, name: str, frame: Frame, ended: datetime, transport: str) -> None:
        """Record the span `name` of the frame's message, from the frame's storing until `ended`, once."""
        message = str(frame.data["message"])
        if not self._traceparent or tracing.provider() is None or (name, message) in self._recorded:
            return
        self._recorded.add((name, message))
        attributes: dict[str, tracing.Value] = {
            "outcry.message": message,
            "outcry.seq": frame.seq,
            "outcry.transport": transport,
        }
        began_ns, ended_ns = (round(time.timestamp() * 1e9) for time in (frame.at, ended))
        tracing.record(name, self._traceparent, began_ns, ended_ns, attributes)
