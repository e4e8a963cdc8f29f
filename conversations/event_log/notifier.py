"""Announcing new events to a conversation's channel group after a commit.

Channel layers deliver at most once and may reorder, so an announcement is a hint: {"type": "log.ring", "head", "first",
"types", "frames"}. The lists start at seq `first`, and are empty where they would be too large. `frames` are encoded,
or the `Frame` objects themselves where the layer stays within the process.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

from conversations.domain.frames import Frame
from conversations.infrastructure.availability import CHANNEL_LAYER
from conversations.infrastructure.event_loop import BackgroundTasks, PerLoop

# Above this an announcement says only where the head is: readers fetch the rows, and the layer's memory stays small.
MAX_CHARACTERS = 256 * 1024
# A layer that takes longer for one announcement is unavailable; this also bounds what gathers behind it.
SEND_SECONDS = 5.0

# Frames that wait while an earlier announcement of the conversation is being sent; a key is there while its task runs.
_waiting: PerLoop[dict[UUID, list[Frame]]] = PerLoop(dict)
tasks = BackgroundTasks()


def group_name(conversation: UUID) -> str:
    """The channel layer group of a conversation."""
    return f"conversation_{conversation.hex}"


def publish(conversation: UUID, frames: Sequence[Frame]) -> None:
    """Announce new frames soon, in order, one message at a time for a conversation; returns at once."""
    waiting = _waiting.here()
    if conversation in waiting:
        waiting[conversation].extend(frames)
        return
    waiting[conversation] = list(frames)
    tasks.spawn(_send(conversation))


async def _send(conversation: UUID) -> None:
    layer: Any = get_channel_layer()
    as_objects = getattr(layer, "carries_objects", False)
    waiting = _waiting.here()
    try:
        while frames := waiting[conversation]:
            waiting[conversation] = []
            async with asyncio.timeout(SEND_SECONDS):
                await layer.group_send(group_name(conversation), message(frames, as_objects=as_objects))
            CHANNEL_LAYER.worked("ring")
    except Exception as failure:
        # The rows are stored; readers find them at their next look at the head.
        CHANNEL_LAYER.failed("ring", failure)
    finally:
        del waiting[conversation]


def message(frames: Sequence[Frame], *, as_objects: bool = False) -> dict[str, Any]:
    """The announcement of these frames, which may come in any order. A log has several writers: where a frame of
    another one is missing in between, the announcement says only where the head is."""
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
