"""What watchers ask for, whatever carries it: cursors and commands."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from conversations.domain import requests
from conversations.domain.errors import InvalidInput, NotFound, Problem

# What the log can number.
MAX_CURSOR = 2**31 - 1
MAX_RATE = 10_000
# A paint that waited longer to be told says nothing about its latency.
MAX_WAITED_MS = 60_000


def conversation(text: str) -> UUID:
    """The id that the text is. Raises NotFound where it is none: nothing has such an id."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such conversation.") from None


def cursor(value: str | None) -> int:
    """The seq after which events are wanted; 0 when nothing is given. Raises InvalidInput."""
    if value is None:
        return 0
    if (seq := _whole(value)) is None or seq > MAX_CURSOR:
        raise InvalidInput(
            [Problem("after", "cursor", f"A cursor is a whole number from 0 to {MAX_CURSOR}.")]
        )
    return seq


def rate(value: str | None) -> float | None:
    """The tokens a second that are wanted at most; None when nothing is given. Raises InvalidInput."""
    if value is None:
        return None
    if (wanted := _whole(value)) is None or not 1 <= wanted <= MAX_RATE:
        raise InvalidInput([Problem("rate", "rate", f"A rate is a whole number from 1 to {MAX_RATE}.")])
    return float(wanted)


def ack(fields: Mapping[str, Any], sent: int) -> tuple[int, float]:
    """The seq that a client has taken, no further than it was `sent`, and how many seconds ago. Raises InvalidInput."""
    seq, waited = fields.get("seq"), fields.get("waited_ms", 0)
    if type(seq) is not int or not 0 <= seq <= sent:
        raise InvalidInput([Problem("seq", "not_sent", f"Nothing after {sent} has been sent yet.")])
    if type(waited) is not int or not 0 <= waited <= MAX_WAITED_MS:
        raise InvalidInput(
            [Problem("waited_ms", "range", f"A time is a whole number from 0 to {MAX_WAITED_MS}.")]
        )
    return seq, waited / 1000


def command(text: str | None) -> tuple[str, dict[str, Any]]:
    """A client's frame: its type, and the rest of its fields. Raises InvalidInput."""
    if text is None:
        raise InvalidInput([Problem("body", "text_frame", "Send text frames.")])
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput([Problem("body", "json", "A frame is one JSON object.")]) from None
    if not isinstance(decoded, dict):
        raise InvalidInput([Problem("body", "json_object", "A frame is one JSON object.")])
    type_ = decoded.pop("type", None)
    if not isinstance(type_, str):
        raise InvalidInput([Problem("type", "string_type", "A frame has a type, which is a string.")])
    return type_, decoded


def key(fields: Mapping[str, Any]) -> str | None:
    """The frame's idempotency key, for the answer to carry; None where it has none that could be one."""
    found = fields.get("idempotency_key")
    if not isinstance(found, str) or len(found) > requests.MAX_KEY:
        return None
    try:
        found.encode()
    except UnicodeEncodeError:
        # JSON can write half of a character, which no frame can carry.
        return None
    return found


def _whole(value: str) -> int | None:
    # isdecimal also takes other scripts' digits, which int() reads.
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= 10 else None
