"""Frames for tests: of events that were never stored, and with a text of any kind."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from conversations.domain import transcript
from conversations.domain.events import EventData, dump
from conversations.domain.frames import Frame

CONVERSATION = UUID("3f0c7c52-7a39-4e57-9a5c-2f8a7d1f0a11")
AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def framed(events: Iterable[EventData], conversation: UUID = CONVERSATION) -> list[Frame]:
    """The events as `queries.read` gives them, numbered from 1."""
    return [frame(seq, event, conversation) for seq, event in enumerate(events, 1)]


def frame(seq: int, event: EventData, conversation: UUID = CONVERSATION) -> Frame:
    return Frame.of_event(seq, event.type, conversation, AT, dump(event))


def frame_of_text(seq: int, text: str) -> Frame:
    """A frame that travels as this very text, where only its size or its bytes matter."""
    made = Frame.of_event(seq, "token", CONVERSATION, AT, {"text": text})
    made.__dict__["text"] = text
    return made


def fold_frames(
    decoded: Iterable[Mapping[str, Any]], state: transcript.State | None = None
) -> transcript.State:
    """The state after decoded frames, as a client folds them. A frame with `after` stands for everything that follows
    that event up to its `seq`; frames without a `seq` are skipped. Raises ValueError where an event is missing."""
    state = transcript.empty() if state is None else state
    for each in decoded:
        seq = each["seq"]
        if seq is None or seq <= state["head"]:
            continue
        if each.get("after", seq - 1) != state["head"]:
            raise ValueError(f"event {state['head'] + 1} is missing before {seq}")
        transcript.apply(state, seq, each["type"], each["data"])
    return state
