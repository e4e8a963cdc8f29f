"""Print one JSON Schema of every frame that reaches a browser."""

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from conversations.domain.events import EVENTS, EventData
from streaming.wire.control_frames import WIRE_ONLY

Schema = dict[str, Any]


def event_schema() -> Schema:
    """A JSON Schema whose `$defs` hold each event's data, each frame, and the unions `StoredFrame`
    (may carry a seq), `WireFrame` (never does) and `Frame`."""
    models = [*EVENTS.values(), *WIRE_ONLY.values()]
    _, described = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/$defs/{model}"
    )
    definitions: Schema = described["$defs"]
    for definition in definitions.values():
        if "properties" in definition:  # a frame carries every field, defaults too
            definition["required"] = list(definition["properties"])
    definitions |= {_frame_name(model): _frame(model, stored=model in EVENTS.values()) for model in models}
    definitions["StoredFrame"] = _union(map(_frame_name, EVENTS.values()))
    definitions["WireFrame"] = _union(map(_frame_name, WIRE_ONLY.values()))
    definitions["Frame"] = _union(["StoredFrame", "WireFrame"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/Frame",
        "$defs": definitions,
    }


def _frame_name(model: type[EventData]) -> str:
    return "".join(part.capitalize() for part in model.type.split("_")) + "Frame"


def _frame(model: type[EventData], *, stored: bool) -> Schema:
    seq: Schema = {"type": "null"}
    if stored:
        # A stored type may also be sent outside the log, without a seq, such as an `error` for a refused frame.
        seq = {"anyOf": [{"type": "integer", "minimum": 1}, seq]}
    properties: Schema = {
        "type": {"const": model.type, "type": "string"},
        "seq": seq,
        "conversation": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]},
        "at": {"type": "string", "format": "date-time"},
        "data": {"$ref": f"#/$defs/{model.__name__}"},
    }
    required = list(properties)
    if stored:
        # Only in a frame that stands for several events: the seq before the first one.
        properties["after"] = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _union(names: Iterable[str]) -> Schema:
    return {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in names]}
