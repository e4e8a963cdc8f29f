"""Leaves out the event types that OUTCRY_EVENTS excludes from a transport."""

import asyncio
from dataclasses import replace
from typing import Any

from django.conf import settings

from conversations.domain.frames import Frame
from streaming.watchers.writers import ConnectionWriter


def filtered(transport: str, writer: ConnectionWriter) -> ConnectionWriter:
    """The writer, behind a filter where events are excluded from this transport."""
    excluded = settings.OUTCRY_EVENTS.get(transport)
    return _EventFilter(writer, excluded) if excluded else writer


class _EventFilter:
    """Drops events of the excluded types. The next frame that is written stands for them, too, so that a client does
    not take them for lost."""

    def __init__(self, writer: ConnectionWriter, excluded: frozenset[str]) -> None:
        self._writer = writer
        self._excluded = excluded
        # The seq before the first event dropped since the last frame that was written; None where none was.
        self._after: int | None = None

    def write(self, frame: Frame) -> "asyncio.Future[Any] | None":
        if not frame.is_stored:
            return self._writer.write(self._with_known_head(frame))
        if frame.type in self._excluded:
            self._after = frame.after if self._after is None else self._after
            return None
        after, self._after = self._after, None
        return self._writer.write(frame if after is None else frame.covering(after))

    def _with_known_head(self, frame: Frame) -> Frame:
        """A heartbeat whose head is the newest seq that the client was sent: it would reconnect for a newer one that
        never comes."""
        if self._after is None or frame.type != "heartbeat":
            return frame
        return replace(frame, data={"head": self._after})

    def abort(self) -> None:
        self._writer.abort()
