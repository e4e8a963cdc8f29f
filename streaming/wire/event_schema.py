"""Print one JSON Schema of every frame that reaches a browser."""

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from conversations.domain.events import EVENTS, EventData
from streaming.wire.control_frames import WIRE_ONLY

Schema = dict[str, Any]


def event_schema(ref_template: str = "#/$defs/{model}") -> Schema:
    """A JSON Schema whose `$defs` hold each event's data, each frame, and the unions `StoredFrame`
    (may carry a seq), `WireFrame` (never does) and `Frame`."""
    models = [*EVENTS.values(), *WIRE_ONLY.values()]
    _, described = models_json_schema(
        [(model, "serialization") for model in models], ref_template=ref_template
    )
    definitions: Schema = described["$defs"]
    for definition in definitions.values():
        if "properties" in definition:  # a frame carries every field, defaults too
            definition["required"] = list(definition["properties"])

    def reference(name: str) -> Schema:
        return {"$ref": ref_template.format(model=name)}

    def union(names: Iterable[str]) -> Schema:
        return {"oneOf": [reference(name) for name in names]}

    for model in models:
        data = reference(model.__name__)
        definitions[_frame_name(model)] = _frame(model, data, stored=model in EVENTS.values())
    definitions["StoredFrame"] = union(map(_frame_name, EVENTS.values()))
    definitions["WireFrame"] = union(map(_frame_name, WIRE_ONLY.values()))
    definitions["Frame"] = union(["StoredFrame", "WireFrame"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/Frame",
        "$defs": definitions,
    }


def _frame_name(model: type[EventData]) -> str:
    return "".join(part.capitalize() for part in model.type.split("_")) + "Frame"


def _frame(model: type[EventData], data: Schema, *, stored: bool) -> Schema:
    seq: Schema = {"type": "null"}
    if stored:
        # A stored type may also be sent outside the log, without a seq, such as an `error` for a refused frame.
        seq = {"anyOf": [{"type": "integer", "minimum": 1}, seq]}
    properties: Schema = {
        "type": {"const": model.type, "type": "string"},
        "seq": seq,
        "conversation": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]},
        "at": {"type": "string", "format": "date-time"},
        "data": data,
    }
    required = list(properties)
    if stored:
        # Only in a frame that stands for several events: the seq before the first one.
        properties["after"] = {"type": "integer", "minimum": 0}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
