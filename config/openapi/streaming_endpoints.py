"""The streaming endpoints in the OpenAPI document: one `Operation` each, by the models that the endpoint parses and
builds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from conversations.domain.events import EVENTS
from streaming.http.stream_response import EVENT_STREAM
from streaming.transports.openai import responses
from streaming.transports.openai.request import ChatRequest
from streaming.wire.client_commands import MAX_CURSOR, MAX_RATE
from streaming.wire.close_codes import Close
from streaming.wire.control_frames import WIRE_ONLY
from streaming.wire.event_schema import event_schema

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
    500: "Something went wrong at our end.",
    503: "The database or the disk is away, or the server restarts.",
}


@dataclass(frozen=True)
class Operation:
    """One endpoint. `json` and `stream` are the schemas of a whole response and of one event of a stream; `body` is the
    request's; `errors` are the status codes that answer with `error`; `others` are further responses."""

    id: str
    tag: str
    summary: str
    answer: str
    errors: Sequence[int]
    description: str = ""
    body: Schema | None = None
    json: Schema | None = None
    stream: Schema | None = None
    error: str = "Refusal"
    others: Mapping[str, Schema] = field(default_factory=dict)
    parameters: Sequence[Schema] = ()
    schemas: Callable[[], Schema] = dict
    is_public: bool = False

    def described(self) -> Schema:
        """The operation in OpenAPI's format, without the parts that depend on its path."""
        content = {"application/json": self.json, STREAM: self.stream}
        answer: Schema = {
            "description": self.answer,
            "content": {type_: {"schema": schema} for type_, schema in content.items() if schema},
        }
        if self.stream is not None:
            answer["headers"] = {
                "x-outcry-conversation": {
                    "description": "The debate's id.",
                    "schema": {"type": "string", "format": "uuid"},
                }
            }
        errors = {str(status): _json(_REASONS[status], self.error) for status in self.errors}
        operation: Schema = {
            "tags": [self.tag],
            "summary": self.summary,
            "responses": {"200": answer, **errors, **self.others},
        }
        if self.description:
            operation["description"] = self.description
        if self.body is not None:
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": self.body}},
            }
        return operation


def _ref(name: str) -> Schema:
    return {"$ref": f"{REF}{name}"}


def _json(description: str, model: str) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": _ref(model)}}}


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


def _agui_models() -> Schema:
    # Imported here because AG-UI's types take a moment to load.
    from ag_ui.core import Event, RunAgentInput

    return _models("AgUi", RunAgentInput, Event)


def _frames() -> Schema:
    """The frames of the event stream, which all our own transports send."""
    frames = {f"Debate{name}": _moved(schema) for name, schema in event_schema()["$defs"].items()}
    closed = {
        "reason": {"enum": [reason.name.lower() for reason in Close]},
        "code": {"type": "integer"},
        "retryable": {"type": "boolean"},
    }
    return {**frames, "StreamClosed": {"type": "object", "properties": closed, "required": [*closed]}}


def _moved(part: Any) -> Any:
    """The schema with its references changed to the document's."""
    if isinstance(part, dict):
        return {
            key: value.replace("#/$defs/", f"{REF}Debate") if key == "$ref" else _moved(value)
            for key, value in part.items()
        }
    return [_moved(value) for value in part] if isinstance(part, list) else part


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
_CHAT_MODELS: Final = partial(
    _models,
    "",
    ChatRequest,
    responses.ChatCompletion,
    responses.ChatChunk,
    responses.ChatModel,
    responses.ChatModels,
    responses.ChatFailure,
)
_chat = partial(Operation, tag="chat completions", error="ChatFailure", schemas=_CHAT_MODELS)
# By the names of the endpoints' classes.
OPERATIONS: Final[Mapping[str, Operation]] = {
    "FollowDebate": Operation(
        id="doors_following",
        tag="streams",
        summary="Follow a debate",
        description=(
            "Every event after the cursor, by Server-Sent Events: `id` is the seq, `event` the type, `data` the frame."
            " After the terminal status the response ends. `Last-Event-ID` goes before `after`."
            " docs/protocol.md has the events."
        ),
        parameters=[
            _integer("query", "after", "The seq to go on after.", 0, MAX_CURSOR),
            _integer("query", "rate", "Tokens a second at most.", 1, MAX_RATE),
            _integer("header", "Last-Event-ID", "The cursor.", 0, MAX_CURSOR),
        ],
        answer="The events.",
        stream=_EVENT,
        errors=(401, 403, 404, 405, 413, 500, 503),
        others={
            "204": {"description": "The debate is over, and nothing comes after the cursor."},
            "422": _json("A value is wrong.", "Invalid"),
        },
        schemas=_frames,
    ),
    "StartDebate": Operation(
        id="doors_starting",
        tag="streams",
        summary="Start a debate, and follow it",
        body=_ref("NewConversation"),
        answer="The events, from the first.",
        stream=_EVENT,
        errors=(401, 403, 405, 413, 429, 500, 503),
        others={"422": _json("A value is wrong; nothing was started.", "Invalid")},
        schemas=_frames,
    ),
    "RunAgent": Operation(
        id="doors_running",
        tag="agents",
        summary="Run a debate by AG-UI",
        description="The run's events, by AG-UI's own types. docs/agui.md says what is made of them.",
        body=_ref("AgUiRunAgentInput"),
        answer="The run's events.",
        stream=_event({"data": _text_of("AgUiEvent")}),
        errors=(401, 403, 404, 405, 413, 429, 500, 503),
        others={
            "409": _json("The debate has ended, or the question is no longer open.", "Conflict"),
            "422": _json("A value is wrong; nothing was stored.", "Invalid"),
        },
        schemas=_agui_models,
    ),
    "CreateCompletion": _chat(
        id="doors_completions",
        summary="Start a debate as a chat completion",
        description="docs/openai.md says what becomes of each parameter.",
        body=_ref("ChatRequest"),
        answer="The debate: whole, or streamed in chunks where `stream` is true.",
        json=_ref("ChatCompletion"),
        stream=_CHUNK,
        errors=(400, 401, 403, 404, 405, 409, 413, 429, 500, 503),
    ),
    "ListModels": _chat(
        id="doors_models",
        summary="The panels, as models",
        answer="A model for each panel.",
        json=_ref("ChatModels"),
        errors=(401, 403, 405, 413, 500, 503),
    ),
    "GetModel": _chat(
        id="doors_onemodel",
        summary="A panel, as a model",
        answer="The model.",
        json=_ref("ChatModel"),
        errors=(401, 403, 404, 405, 413, 500, 503),
    ),
    "GetCard": Operation(
        id="doors_card",
        tag="agents",
        summary="A2A's card of this agent",
        description="What it can, where, and how to sign in, as A2A's specification has it. For everybody.",
        is_public=True,
        answer="The card.",
        json={"type": "object", "required": ["name", "skills"]},
        errors=(405, 413, 500),
    ),
}
