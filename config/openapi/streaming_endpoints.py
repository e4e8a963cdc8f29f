"""The streaming endpoints in the OpenAPI document: one operation each, by the models that the endpoint parses and
builds."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal

from django.conf import settings
from pydantic import TypeAdapter

from conversations.domain.events import EVENTS
from streaming.http.stream_response import EVENT_STREAM
from streaming.transports.openai import responses
from streaming.transports.openai.request import ChatRequest
from streaming.wire.client_commands import MAX_CURSOR, MAX_RATE
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import WIRE_ONLY
from streaming.wire.event_schema import event_schema

# The errors of every endpoint, and those of every endpoint that is not for everybody.
_ALWAYS: Final = (405, 413, 500)
_USUAL: Final = (401, 403, *_ALWAYS, 503)

Schema = dict[str, Any]
REF: Final = "#/components/schemas/"
STREAM: Final = EVENT_STREAM.partition(";")[0]
_REASONS: Final[Mapping[int, str]] = {
    400: "A parameter is wrong; nothing was started.",
    401: "Nobody is signed in, and there is no key that opens anything.",
    403: "The key's scopes are not for this, or the CSRF token is missing.",
    404: "There is no such thing for this person.",
    405: "Another method is wanted.",
    409: "The debate was cancelled.",
    413: "The body is too large.",
    429: "As much as is allowed, or faster; `Retry-After` where it is known.",
    500: "An internal error occurred.",
    503: "The database or the disk is away, or the server restarts.",
}


def _ref(name: str) -> Schema:
    return {"$ref": f"{REF}{name}"}


def _json(description: str, model: str) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": _ref(model)}}}


def _body(model: str) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": _ref(model)}}}


def _answer(description: str, *, json: Schema | None = None, stream: Schema | None = None) -> Schema:
    """The response 200: `json` describes a whole one, `stream` one event of a stream."""
    content = {"application/json": json, STREAM: stream}
    answer: Schema = {
        "description": description,
        "content": {type_: {"schema": schema} for type_, schema in content.items() if schema},
    }
    if stream is not None:
        header = {"description": "The debate's id.", "schema": {"type": "string", "format": "uuid"}}
        answer["headers"] = {"x-outcry-conversation": header}
    return answer


def _responses(answer: Schema, *errors: int, error: str = "Refusal") -> Schema:
    """The answer, and the status codes that come with the model `error`."""
    return {"200": answer, **{str(status): _json(_REASONS[status], error) for status in errors}}


def _event(fields: Schema) -> Schema:
    """One event of a stream. By the format's specification, an event without a type is a message."""
    properties = {"event": {"const": "message"}, **fields}
    return {"type": "object", "properties": properties, "required": ["data"], "additionalProperties": False}


def _text_of(*models: str) -> Schema:
    """A string that holds JSON of one of these models."""
    schema = {"anyOf": [_ref(model) for model in models]}
    return {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}


def _integer(place: str, name: str, description: str, minimum: int, maximum: int) -> Schema:
    schema = {"type": "integer", "minimum": minimum, "maximum": maximum}
    return {"in": place, "name": name, "required": False, "description": description, "schema": schema}


def _models(prefix: str, *types: Any) -> Schema:
    """The JSON schemas of the types and of all models in them, under names that begin with the prefix."""
    # A union has no name of its own.
    names = [type_.__name__ if isinstance(type_, type) else "Event" for type_ in types]
    named: list[tuple[str, Literal["validation"], TypeAdapter[Any]]] = [
        (name, "validation", TypeAdapter(type_)) for name, type_ in zip(names, types, strict=True)
    ]
    described, nested = TypeAdapter.json_schemas(named, ref_template=f"{REF}{prefix}{{model}}")
    unions = {f"{prefix}{name}": schema for (name, _), schema in described.items()}
    return unions | {f"{prefix}{name}": schema for name, schema in nested.get("$defs", {}).items()}


def schemas() -> Schema:
    """The schemas that the operations of those transports that are on refer to."""
    found: Schema = {}
    if "sse" in settings.OUTCRY_TRANSPORTS:
        found |= _frames()
    if "openai" in settings.OUTCRY_TRANSPORTS:
        found |= _models("", ChatRequest, *_CHAT_RESPONSES)
    if "agui" in settings.OUTCRY_TRANSPORTS:
        # Imported here because AG-UI's types take a moment to load.
        from ag_ui.core import Event, RunAgentInput

        found |= _models("AgUi", RunAgentInput, Event)
    return found


def _frames() -> Schema:
    """The frames of the event stream, which all our own transports send."""
    definitions = event_schema(f"{REF}Debate{{model}}")["$defs"]
    closed = {
        "reason": {"enum": [reason.name.lower() for reason in Close]},
        "code": {"type": "integer"},
        "retryable": {"type": "boolean"},
    }
    return {
        **{f"Debate{name}": schema for name, schema in definitions.items()},
        "StreamClosed": {"type": "object", "properties": closed, "required": [*closed]},
    }


_EVENT: Final = _event(
    {
        # Optional: a frame that is not in the log has no id.
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": {"enum": [*EVENTS, *WIRE_ONLY, "closed"]},
        "retry": {"type": "integer"},
        "data": _text_of("DebateFrame", "StreamClosed"),
    }
)
_CHUNK: Final = _event({"data": {"anyOf": [{"const": "[DONE]"}, _text_of("ChatChunk", "ChatFailure")]}})
_AGUI_EVENT: Final = _event({"data": _text_of("AgUiEvent")})
_CHAT_RESPONSES: Final = (
    responses.ChatCompletion,
    responses.ChatChunk,
    responses.ChatModel,
    responses.ChatModels,
    responses.ChatFailure,
)
_chat_responses = partial(_responses, error="ChatFailure")
_CHAT: Final = ["chat completions"]

# By the names of the endpoints' classes: each operation in OpenAPI's format, without the parts that depend on its path.
OPERATIONS: Final[Mapping[str, Schema]] = {
    "FollowDebate": {
        "operationId": "doors_following",
        "tags": ["streams"],
        "summary": "Follow a debate",
        "description": (
            "Every event after the cursor, by Server-Sent Events: `id` is the seq, `event` the type, `data` the frame."
            " After the terminal status the response ends. `Last-Event-ID` goes before `after`."
            " docs/protocol.md has the events."
        ),
        "parameters": [
            _integer("query", "after", "The seq to go on after.", 0, MAX_CURSOR),
            _integer("query", "rate", "Tokens a second at most.", 1, MAX_RATE),
            _integer("header", "Last-Event-ID", "The cursor.", 0, MAX_CURSOR),
        ],
        "responses": {
            **_responses(_answer("The events.", stream=_EVENT), *_USUAL, 404),
            "204": {"description": "The debate is over, and nothing comes after the cursor."},
            "422": _json("A value is wrong.", "Invalid"),
        },
    },
    "StartDebate": {
        "operationId": "doors_starting",
        "tags": ["streams"],
        "summary": "Start a debate, and follow it",
        "requestBody": _body("NewConversation"),
        "responses": {
            **_responses(_answer("The events, from the first.", stream=_EVENT), *_USUAL, 404, 429),
            "409": _json("The idempotency key was used for another debate.", "Conflict"),
            "422": _json("A value is wrong; nothing was started.", "Invalid"),
        },
    },
    "RunAgent": {
        "operationId": "doors_running",
        "tags": ["agents"],
        "summary": "Run a debate by AG-UI",
        "description": "The run's events, by AG-UI's own types. docs/agui.md says what is made of them.",
        "requestBody": _body("AgUiRunAgentInput"),
        "responses": {
            **_responses(_answer("The run's events.", stream=_AGUI_EVENT), *_USUAL, 404, 429),
            "409": _json("The debate has ended, or the question is no longer open.", "Conflict"),
            "422": _json("A value is wrong; nothing was stored.", "Invalid"),
        },
    },
    "CreateCompletion": {
        "operationId": "doors_completions",
        "tags": _CHAT,
        "summary": "Start a debate as a chat completion",
        "description": "docs/openai.md says what becomes of each parameter.",
        "requestBody": _body("ChatRequest"),
        "responses": _chat_responses(
            _answer(
                "The debate: whole, or streamed in chunks where `stream` is true.",
                json=_ref("ChatCompletion"),
                stream=_CHUNK,
            ),
            *(*_USUAL, 400, 404, 409, 429),
        ),
    },
    "ListModels": {
        "operationId": "doors_models",
        "tags": _CHAT,
        "summary": "The panels, as models",
        "responses": _chat_responses(_answer("A model for each panel.", json=_ref("ChatModels")), *_USUAL),
    },
    "GetModel": {
        "operationId": "doors_onemodel",
        "tags": _CHAT,
        "summary": "A panel, as a model",
        "responses": _chat_responses(_answer("The model.", json=_ref("ChatModel")), *_USUAL, 404),
    },
    "GetCard": {
        "operationId": "doors_card",
        "tags": ["agents"],
        "summary": "A2A's card of this agent",
        "description": "What it can, where, and how to sign in, as A2A's specification has it. For everybody.",
        "security": [],
        "responses": _responses(
            _answer("The card.", json={"type": "object", "required": ["name", "skills"]}), *_ALWAYS
        ),
    },
}
