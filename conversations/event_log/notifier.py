"""Ringing a conversation's channel group after a commit.

Channel layers deliver at most once and may reorder, so a ring is a hint: {"type": "log.ring", "head", "first",
"types", "frames"}. The lists start at seq `first`, and are empty when they would be too large.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

from conversations.domain.events import Entry
from conversations.infrastructure.availability import CHANNEL_LAYER
from conversations.infrastructure.event_loop import BackgroundTasks, PerLoop

# Above this a ring says only where the head is: readers fetch the rows, and the layer's memory stays small.
MAX_CHARACTERS = 256 * 1024
# A layer that takes longer for one ring is away; what gathers behind it is bounded by this.
RING_SECONDS = 5.0

# What waits while an earlier ring of the conversation is being sent; a key is there while its task runs.
_waiting: PerLoop[dict[UUID, list[Entry]]] = PerLoop(dict)
tasks = BackgroundTasks()


def group_name(conversation: UUID) -> str:
    """The channel layer group of a conversation."""
    return f"conversation_{conversation.hex}"


def ring(conversation: UUID, entries: Sequence[Entry]) -> None:
    """Send a ring soon, in order, one at a time for a conversation; returns at once."""
    waiting = _waiting.here()
    if conversation in waiting:
        waiting[conversation].extend(entries)
        return
    waiting[conversation] = list(entries)
    tasks.spawn(_send(conversation))


async def _send(conversation: UUID) -> None:
    layer: Any = get_channel_layer()
    waiting = _waiting.here()
    try:
        while entries := waiting[conversation]:
            waiting[conversation] = []
            async with asyncio.timeout(RING_SECONDS):
                await layer.group_send(group_name(conversation), message(entries))
            CHANNEL_LAYER.worked("ring")
    except Exception as failure:
        # The rows are stored; readers find them at their next look at the head.
        CHANNEL_LAYER.failed("ring", failure)
    finally:
        del waiting[conversation]


def message(entries: Sequence[Entry]) -> dict[str, Any]:
    """The ring for what waits to be rung, in any order. Several write to a log: where another's entry is missing
    in between, the ring says only where the head is."""
    ordered = sorted(entries, key=lambda entry: entry.seq)
    first, head = ordered[0].seq, ordered[-1].seq
    whole = head - first + 1 == len(ordered)
    carried = ordered if whole and sum(len(entry.text) for entry in ordered) <= MAX_CHARACTERS else []
    return {
        "type": "log.ring",
        "head": head,
        "first": first,
        "types": [entry.type for entry in carried],
        "frames": [entry.text for entry in carried],
    }
