"""Frames as Outcry's watchers get them, for the servers that are not Outcry."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from benchmarks.delivery.speech import Said


def hello(head: int) -> dict[str, Any]:
    """These servers keep nothing: what was said before is gone."""
    return {"type": "hello", "seq": None, "data": {"head": head, "recovered": False, "from": head}}


def event(seq: int, conversation: UUID, said: Said) -> dict[str, Any]:
    return {
        "type": said.type,
        "seq": seq,
        "conversation": str(conversation),
        "at": datetime.now(UTC).isoformat(),
        "data": _data(said),
    }


def _data(said: Said) -> dict[str, Any]:
    match said.type:
        case "token":
            count = {"token_count": said.tokens, "cost": None}
            return {"message": str(said.message), "offset": said.offset, "text": said.text, **count}
        case "agent_message":
            return {"message": str(said.message), "content": said.text}
        case _:
            return {"message": str(said.message)}
