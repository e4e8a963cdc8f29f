"""What the OpenAPI document says of each door beside Django: by the types it reads, and those it answers with.

Each description adds to `schemas` those that it names, where Django's side has not got them already.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from config.openapi import chat_schema
from conversations.domain.events import EVENTS
from streaming.http.stream_response import EVENTS as EVENT_STREAM
from streaming.wire.client_commands import MAX_CURSOR, MAX_RATE
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import WIRE_ONLY
from streaming.wire.event_schema import event_schema

REF: Final = "#/components/schemas/"
STREAM: Final = EVENT_STREAM.partition(";")[0]
Operation = dict[str, Any]


def _following(schemas: dict[str, Any]) -> Operation:
    schemas |= _frames()
    return {
        "tags": ["streams"],
        "summary": "Follow a debate",
        "description": (
            "Every event after the cursor, by Server-Sent Events: `id` is the seq, `event` the type, `data` the frame."
            " After the terminal status the response ends. `Last-Event-ID` goes before `after`."
            " docs/protocol.md has the events."
        ),
        "parameters": [
            _parameter("query", "after", "The seq to go on after.", {"minimum": 0, "maximum": MAX_CURSOR}),
            _parameter("query", "rate", "Tokens a second at most.", {"minimum": 1, "maximum": MAX_RATE}),
            _parameter("header", "Last-Event-ID", "The cursor.", {"minimum": 0, "maximum": MAX_CURSOR}),
        ],
        "responses": {
            "200": _stream("The events.", _EVENT),
            "204": {"description": "The debate is over, and nothing comes after the cursor."},
            **_refusals(401, 403, 404, 405, 413, 500, 503),
            "422": _json("A value is wrong.", f"{REF}Invalid"),
        },
    }


def _starting(schemas: dict[str, Any]) -> Operation:
    schemas |= _frames()
    return {
        "tags": ["streams"],
        "summary": "Start a debate, and follow it",
        "requestBody": _body(f"{REF}NewConversation"),
        "responses": {
            "200": _stream("The events, from the first.", _EVENT),
            **_refusals(401, 403, 405, 413, 429, 500, 503),
            "422": _json("A value is wrong; nothing was started.", f"{REF}Invalid"),
        },
    }


def _running(schemas: dict[str, Any]) -> Operation:
    from ag_ui.core import Event, RunAgentInput

    schemas |= _schemas("AgUi", RunAgentInput, Event)
    return {
        "tags": ["agents"],
        "summary": "Run a debate by AG-UI",
        "description": "The run's events, by AG-UI's own types. docs/agui.md says what is made of them.",
        "requestBody": _body(f"{REF}AgUiRunAgentInput"),
        "responses": {
            "200": _stream("The run's events.", {"data": _text_of(f"{REF}AgUiEvent")}),
            **_refusals(401, 403, 404, 405, 413, 429, 500, 503),
            "409": _json("The debate has ended, or the question is no longer open.", f"{REF}AtOdds"),
            "422": _json("A value is wrong; nothing was stored.", f"{REF}Invalid"),
        },
    }


def _completions(schemas: dict[str, Any]) -> Operation:
    schemas |= _schemas("", *chat_schema.MODELS)
    return {
        "tags": ["chat completions"],
        "summary": "Start a debate as a chat completion",
        "description": "docs/openai.md says what becomes of each parameter.",
        "requestBody": _body(f"{REF}ChatRequest"),
        "responses": {
            "200": {
                "description": "The debate: whole, or streamed in chunks where `stream` is true.",
                "headers": _NAMED,
                "content": {
                    "application/json": {"schema": {"$ref": f"{REF}ChatCompletion"}},
                    STREAM: {"schema": _event({"data": {"anyOf": [{"const": "[DONE]"}, _CHUNK]}})},
                },
            },
            **_chat_refusals(400, 401, 403, 404, 405, 409, 413, 429, 500, 503),
        },
    }


def _models(schemas: dict[str, Any]) -> Operation:
    schemas |= _schemas("", *chat_schema.MODELS)
    return {
        "tags": ["chat completions"],
        "summary": "The panels, as models",
        "responses": {
            "200": _json("A model for each panel.", f"{REF}ChatModels"),
            **_chat_refusals(401, 403, 405, 413, 500, 503),
        },
    }


def _one_model(schemas: dict[str, Any]) -> Operation:
    schemas |= _schemas("", *chat_schema.MODELS)
    return {
        "tags": ["chat completions"],
        "summary": "A panel, as a model",
        "responses": {
            "200": _json("The model.", f"{REF}ChatModel"),
            **_chat_refusals(401, 403, 404, 405, 413, 500, 503),
        },
    }


def _card(_: dict[str, Any]) -> Operation:
    return {
        "tags": ["agents"],
        "summary": "A2A's card of this agent",
        "description": "What it can, where, and how to sign in, as A2A's specification has it. For everybody.",
        "security": [],
        "responses": {
            "200": {
                "description": "The card.",
                "content": {
                    "application/json": {"schema": {"type": "object", "required": ["name", "skills"]}}
                },
            },
            **_refusals(405, 413, 500),
        },
    }


DESCRIBED: Final[Mapping[str, Callable[[dict[str, Any]], Operation]]] = {
    "Starting": _starting,
    "Following": _following,
    "Completions": _completions,
    "Models": _models,
    "OneModel": _one_model,
    "Running": _running,
    "Card": _card,
}

_NAMED: Final = {
    "x-outcry-conversation": {
        "description": "The debate's id.",
        "schema": {"type": "string", "format": "uuid"},
    }
}
_REASONS: Final[Mapping[int, str]] = {
    400: "A parameter is wrong; nothing was started.",
    401: "Nobody is signed in, and there is no key that opens anything.",
    403: "The key's scopes are not for this, or the CSRF token is missing.",
    404: "There is no such thing for this person.",
    405: "Another method is wanted.",
    409: "The debate was cancelled.",
    413: "The body is too large.",
    429: "As much as is allowed, or faster; `Retry-After` where it is known.",
    500: "Something went wrong at our end.",
    503: "The database or the disk is away, or the server restarts.",
}


def _schemas(prefix: str, *types: Any) -> dict[str, Any]:
    """Those of the types and of all that is in them, under names that begin with the prefix."""
    described, made = TypeAdapter.json_schemas(
        [(_name(type_), "validation", TypeAdapter(type_)) for type_ in types],
        ref_template=f"{REF}{prefix}{{model}}",
    )
    schemas = {f"{prefix}{name}": schema for name, schema in made.get("$defs", {}).items()}
    # A union is no model, and has no name of its own there.
    unions = {f"{prefix}{name}": schema for (name, _), schema in described.items()}
    return {**{name: schema for name, schema in unions.items() if name not in schemas}, **schemas}


def _name(type_: Any) -> str:
    return type_.__name__ if isinstance(type_, type) else "Event"


def _frames() -> dict[str, Any]:
    """The events as every transport of ours sends them."""
    frames = {f"Debate{name}": _moved(schema) for name, schema in event_schema()["$defs"].items()}
    closed = {
        "reason": {"enum": [why.name.lower() for why in Close]},
        "code": {"type": "integer"},
        "retryable": {"type": "boolean"},
    }
    return {**frames, "StreamClosed": {"type": "object", "properties": closed, "required": [*closed]}}


def _moved(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            key: value.replace("#/$defs/", f"{REF}Debate") if key == "$ref" else _moved(value)
            for key, value in part.items()
        }
    return [_moved(value) for value in part] if isinstance(part, list) else part


def _parameter(place: str, name: str, description: str, limits: dict[str, int]) -> dict[str, Any]:
    schema = {"type": "integer", **limits}
    return {"in": place, "name": name, "required": False, "description": description, "schema": schema}


def _body(ref: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": {"$ref": ref}}}}


def _json(description: str, ref: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": {"$ref": ref}}}}


def _stream(description: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "headers": _NAMED,
        "content": {STREAM: {"schema": _event(fields)}},
    }


def _event(fields: dict[str, Any]) -> dict[str, Any]:
    """One event of a stream, which is what a schema of this type of content is about."""
    # What says no type is a message, by the specification of such streams.
    properties = {"event": {"const": "message"}, **fields}
    return {"type": "object", "properties": properties, "required": ["data"], "additionalProperties": False}


def _text_of(*refs: str) -> dict[str, Any]:
    """A text that is JSON, and one of these."""
    schema = {"anyOf": [{"$ref": ref} for ref in refs]}
    return {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}


def _refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): _json(_REASONS[status], f"{REF}Refusal") for status in statuses}


def _chat_refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): _json(_REASONS[status], f"{REF}ChatFailure") for status in statuses}


_CHUNK: Final = _text_of(f"{REF}ChatChunk", f"{REF}ChatFailure")
_EVENT: Final[dict[str, Any]] = {
    # What is not in the log has none.
    "id": {"type": "string", "pattern": "^[0-9]+$"},
    "event": {"enum": [*EVENTS, *WIRE_ONLY, "closed"]},
    "retry": {"type": "integer"},
    "data": _text_of(f"{REF}DebateFrame", f"{REF}StreamClosed"),
}
