"""Parses clients' cursors, rates and commands, for all transports."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from conversations.domain import requests
from conversations.domain.errors import InvalidInput, NotFound

# The largest seq that the log can store.
MAX_CURSOR = 2**31 - 1
MAX_RATE = 10_000
# A paint that was reported later than this is not used for the latency.
MAX_WAITED_MS = 60_000


def conversation(text: str) -> UUID:
    """The conversation's id. Raises NotFound if the text is not a UUID."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such conversation.") from None


def cursor(value: str | None, field: str = "after") -> int:
    """The seq after which events are requested; 0 by default. Raises InvalidInput."""
    if value is None:
        return 0
    if (seq := _whole(value)) is None or seq > MAX_CURSOR:
        raise InvalidInput.of(field, "cursor", f"A cursor is a whole number from 0 to {MAX_CURSOR}.")
    return seq


def rate(value: str | None) -> float | None:
    """The maximum of tokens a second; None by default. Raises InvalidInput."""
    if value is None:
        return None
    if (wanted := _whole(value)) is None or not 1 <= wanted <= MAX_RATE:
        raise InvalidInput.of("rate", "rate", f"A rate is a whole number from 1 to {MAX_RATE}.")
    return float(wanted)


def ack(fields: Mapping[str, Any], sent: int) -> tuple[int, float]:
    """The seq that a client acknowledges, at most `sent`, and how many seconds ago it painted that. Raises
    InvalidInput."""
    seq, waited = fields.get("seq"), fields.get("waited_ms", 0)
    if type(seq) is not int or not 0 <= seq <= sent:
        raise InvalidInput.of("seq", "not_sent", f"Nothing after {sent} has been sent yet.")
    if type(waited) is not int or not 0 <= waited <= MAX_WAITED_MS:
        raise InvalidInput.of("waited_ms", "range", f"A time is a whole number from 0 to {MAX_WAITED_MS}.")
    return seq, waited / 1000


def command(text: str | None) -> tuple[str, dict[str, Any]]:
    """A client's frame: its type, and the rest of its fields. Raises InvalidInput."""
    if text is None:
        raise InvalidInput.of("body", "text_frame", "Send text frames.")
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput.of("body", "json", "A frame is one JSON object.") from None
    if not isinstance(decoded, dict):
        raise InvalidInput.of("body", "json_object", "A frame is one JSON object.")
    type_ = decoded.pop("type", None)
    if not isinstance(type_, str):
        raise InvalidInput.of("type", "string_type", "A frame has a type, which is a string.")
    return type_, decoded


def key(fields: Mapping[str, Any]) -> str | None:
    """The frame's idempotency key, to be repeated in an error; None if it has no valid one."""
    found = fields.get("idempotency_key")
    if not isinstance(found, str) or len(found) > requests.MAX_KEY:
        return None
    try:
        found.encode()
    except UnicodeEncodeError:
        # JSON can hold a lone surrogate, which cannot be encoded in a frame.
        return None
    return found


def _whole(value: str) -> int | None:
    # isdecimal and int() also accept the digits of other scripts.
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= 10 else None
