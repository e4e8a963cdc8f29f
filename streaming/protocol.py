"""What watchers ask for, whatever carries it: cursors and commands."""

import json
from typing import Any

from conversations.errors import InvalidInput, Problem

# What the log can number.
MAX_CURSOR = 2**31 - 1


def cursor(value: str | None) -> int:
    """The seq after which events are wanted; 0 when nothing is given. Raises InvalidInput."""
    if value is None:
        return 0
    # isdecimal also takes other scripts' digits, which int() reads.
    if not (value.isascii() and value.isdecimal() and len(value) <= 10) or int(value) > MAX_CURSOR:
        raise InvalidInput(
            [Problem("after", "cursor", f"A cursor is a whole number from 0 to {MAX_CURSOR}.")]
        )
    return int(value)


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
