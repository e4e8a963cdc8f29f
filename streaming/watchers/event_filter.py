"""Leaves out the event types that OUTCRY_EVENTS excludes from a transport."""

import asyncio
from dataclasses import replace
from typing import Any

from django.conf import settings

from conversations.domain.frames import Frame
from streaming.watchers.writers import ConnectionWriter


def filtered(transport: str, writer: ConnectionWriter) -> ConnectionWriter:
    """The writer, with a filter in front if OUTCRY_EVENTS excludes events from this transport."""
    excluded = settings.OUTCRY_EVENTS.get(transport)
    return _EventFilter(writer, excluded) if excluded else writer


class _EventFilter:
    """Drops events of the excluded types. The next frame covers their seqs, too, so that the client sees no gap."""

    def __init__(self, writer: ConnectionWriter, excluded: frozenset[str]) -> None:
        self._writer = writer
        self._excluded = excluded
        # The seq before the first event that was dropped since the last written frame; None if none was.
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
        """A heartbeat whose head is the newest seq that the client was sent. With a newer one, the client would wait
        for the dropped events and reconnect."""
        if self._after is None or frame.type != "heartbeat":
            return frame
        return replace(frame, data={"head": self._after})

    def abort(self) -> None:
        self._writer.abort()
