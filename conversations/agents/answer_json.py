"""Finds the JSON object of a structured answer, which some models wrap in thoughts, prose or Markdown. Pure."""

import json
from typing import Any, Final

from conversations.agents.think_tags import spoken

# Places at which an object may begin that are tried. Each costs one pass over the text.
MAX_PLACES: Final = 40
# A JSON string that holds JSON, as some servers send it.
MAX_DEPTH: Final = 2

_DECODER: Final = json.JSONDecoder(strict=False)


def objects(answer: str) -> list[dict[str, Any]]:
    """The JSON objects in an answer that stand in no other one, in order; one that is wrapped in another, as its only
    value, is taken out of it."""
    return [_unwrapped(found) for found in _objects(spoken(answer), MAX_DEPTH)]


def is_cut_off(answer: str) -> bool:
    """Whether the answer holds the beginning of an object, but no whole one."""
    return "{" in answer and not objects(answer)


def _objects(text: str, depth: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if depth and text.lstrip().startswith('"') and isinstance(inner := _decoded(text.strip(), 0)[0], str):
        return _objects(inner, depth - 1)
    place = text.find("{")
    for _ in range(MAX_PLACES):
        if place < 0:
            break
        value, end = _decoded(text, place)
        if isinstance(value, dict):
            found.append(value)
        place = text.find("{", end)
    return found


def _decoded(text: str, place: int) -> tuple[Any, int]:
    """The JSON value at a place and where it ends; None if there is none."""
    try:
        return _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None, place + 1


def _unwrapped(found: dict[str, Any]) -> dict[str, Any]:
    if len(found) == 1 and isinstance(inner := next(iter(found.values())), dict):
        return inner
    return found
