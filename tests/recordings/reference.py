"""docs/events.md: every event of the log, its fields, and an example from the recordings.

    python -m tests.recordings.reference

writes it anew; a test holds it to be current.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conversations.domain.events import EVENTS
from tests.recordings.make import read

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"
RECORDINGS = sorted(Path(__file__).parent.glob("*.jsonl"))
HEAD = """\
# Events

What a conversation's log holds, on every transport: `{"type", "seq", "conversation", "at", "data"}`. This page is
written from the code (`conversations/domain/events.py`) and its recordings; a field that may be null says so.
"""


def page() -> str:
    """The whole page."""
    examples = _examples()
    parts = [HEAD]
    for type_, model in EVENTS.items():
        about = " ".join((model.__doc__ or "").split())
        rows = "\n".join(f"| `{name}` | {words} |" for name, words in _fields(model.model_json_schema()))
        example = json.dumps(examples[type_], ensure_ascii=False)
        parts.append(
            f"## `{type_}`\n\n"
            + (f"{about}\n\n" if about else "")
            + f"| field | |\n| --- | --- |\n{rows}\n\n```json\n{example}\n```\n"
        )
    return "\n".join(parts)


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in schema["properties"].items():
        yield name, _kind(field, schema.get("$defs", {}))


def _kind(field: dict[str, Any], named: dict[str, Any]) -> str:
    if "$ref" in field:
        return _kind(named[field["$ref"].rpartition("/")[2]], named)
    if "anyOf" in field:
        return " or ".join(_kind(choice, named) for choice in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"a list of: {_kind(field['items'], named)}"
    if field.get("type") == "object":
        return ", ".join(f"`{name}`" for name in field["properties"])
    kind: str = field.get("format") or field["type"]
    return {"string": "text", "integer": "whole number", "null": "null"}.get(kind, kind)


def _examples() -> dict[str, Any]:
    """The first frame of each type."""
    found: dict[str, Any] = {}
    for path in RECORDINGS:
        for frame in read(path)["events"]:
            found.setdefault(frame["type"], frame)
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
