"""Spans of a message's delivery, from the log to a browser's paint, if telemetry is on.

A process records one `deliver` and one `paint` span a message, for the first watcher only. Tokens get no spans, because
they are too many.
"""

from datetime import datetime

from conversations.domain.frames import Frame
from conversations.infrastructure import tracing


class DeliverySpans:
    """The spans of one conversation, as children of `traceparent`, which is empty if the conversation has no trace."""

    __slots__ = ("_delivered_seq", "_painted_message", "_traceparent")

    def __init__(self, traceparent: str) -> None:
        self._traceparent = traceparent
        self._delivered_seq = 0
        self._painted_message = ""

    def handed_over(self, frame: Frame, at: datetime, now: datetime, transport: str) -> None:
        """An event that the log stored at `at` was handed to a connection. Records a `message_start`, once."""
        if frame.type == "message_start" and frame.seq > self._delivered_seq and self._is_recorded():
            self._delivered_seq = frame.seq
            self._record("deliver", frame, at, now, transport)

    def painted(self, token: Frame, at: datetime, painted: datetime, transport: str) -> None:
        """A client has painted a token that the log stored at `at`. Records the first one of each message."""
        if self._is_recorded() and (message := token.data["message"]) != self._painted_message:
            self._painted_message = message
            self._record("paint", token, at, painted, transport)

    def _is_recorded(self) -> bool:
        return bool(self._traceparent) and tracing.provider() is not None

    def _record(self, name: str, frame: Frame, began: datetime, ended: datetime, transport: str) -> None:
        attributes: dict[str, tracing.Value] = {
            "outcry.message": str(frame.data["message"]),
            "outcry.seq": frame.seq,
            "outcry.transport": transport,
        }
        began_ns, ended_ns = (round(time.timestamp() * 1e9) for time in (began, ended))
        tracing.record(name, self._traceparent, began_ns, ended_ns, attributes)
