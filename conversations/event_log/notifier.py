"""Announcing new events to a conversation's channel group after a commit.

Channel layers deliver at most once and may reorder, so an announcement is a hint: {"type": "log.ring", "head", "first",
"types", "frames"}. The lists start at seq `first`, and are empty if they would exceed MAX_CHARACTERS. `frames` are
encoded, or are the `Frame` objects themselves if the layer stays within the process.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

from conversations.domain.frames import Frame
from conversations.event_log import channel_groups
from conversations.infrastructure.event_loop import BackgroundTasks, PerLoop

# A larger announcement holds the head only, and readers fetch the rows; this bounds the layer's memory.
MAX_CHARACTERS = 256 * 1024

# Frames that wait while an earlier announcement of the conversation is being sent. A conversation is a key while its
# task runs.
_waiting: PerLoop[dict[UUID, list[Frame]]] = PerLoop(dict)
tasks = BackgroundTasks()


def group_name(conversation: UUID) -> str:
    """The channel layer group of a conversation."""
    return f"conversation_{conversation.hex}"


def publish(conversation: UUID, frames: Sequence[Frame]) -> None:
    """Announce new frames soon, in order, one message at a time for a conversation; returns at once."""
    if (put := getattr(get_channel_layer(), "group_put", None)) is not None:
        # The layer is in this process: a task and a timeout for each commit would cost more than the message.
        put(group_name(conversation), message(frames, as_objects=True))
        return
    waiting = _waiting.here()
    if conversation in waiting:
        waiting[conversation].extend(frames)
        return
    waiting[conversation] = list(frames)
    tasks.spawn(_send(conversation))


async def _send(conversation: UUID) -> None:
    waiting, is_sent = _waiting.here(), True
    try:
        # After a failure: the rows are stored; readers find them at their next look at the head.
        while is_sent and (frames := waiting[conversation]):
            waiting[conversation] = []
            is_sent = await channel_groups.send(group_name(conversation), message(frames), "ring")
    finally:
        del waiting[conversation]


def message(frames: Sequence[Frame], *, as_objects: bool = False) -> dict[str, Any]:
    """The announcement of these frames, which may be in any order. Another process may have written a frame between
    them: if the seqs have a gap, the announcement holds the head only."""
    ordered = sorted(frames, key=lambda frame: frame.seq)
    first, head = ordered[0].seq, ordered[-1].seq
    is_whole = head - first + 1 == len(ordered)
    carried = ordered if is_whole and sum(len(frame.data_text) for frame in ordered) <= MAX_CHARACTERS else []
    return {
        "type": "log.ring",
        "head": head,
        "first": first,
        "types": [frame.type for frame in carried],
        "frames": carried if as_objects else [frame.text for frame in carried],
    }
