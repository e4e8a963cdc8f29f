"""What a team does besides speaking, in a line for people: routing, a call of a tool, its result. The same words on
every transport and in every export. Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final

from conversations.domain.enums import RoutedBy
from conversations.domain.formatting import words
from conversations.domain.panels import PANELS

TYPES: Final = frozenset({"routing", "tool_start", "tool_end", "tool_error"})
MAX_LINE: Final = 500


def line(type_: str, data: Mapping[str, Any]) -> str:
    """The line of an event, of at most MAX_LINE characters; "" for other events, and where a person has chosen the
    team."""
    text = ""
    match type_:
        # Events of earlier versions do not say who chose.
        case "routing" if data.get("by", RoutedBy.PERSON) != RoutedBy.PERSON:
            known = PANELS.get(data["panel"])
            text = f"Team: {known.title if known else data['panel']}. {data['reason']}"
        case "tool_start":
            text = f"Action: {words(data['tool'])}({_arguments(data['input'])})"
        case "tool_end":
            text = f"Result: {data['output']}"
        case "tool_error":
            text = f"No result: {data.get('reason') or words(data['code'])}"
    text = " ".join(text.split())
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE - 1]}…"


def _arguments(given: str) -> str:
    try:
        arguments = json.loads(given)
    except ValueError:
        return given
    if not isinstance(arguments, dict):
        return given
    if len(arguments) == 1:
        return str(next(iter(arguments.values())))
    return ", ".join(f"{words(name)}: {value}" for name, value in arguments.items())
