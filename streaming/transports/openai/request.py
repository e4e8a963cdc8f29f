"""The body of a chat completion request: one set of models that parses it and describes it in the OpenAPI document.

1. `ChatRequest` checks the parameters: known, not refused, and of their type. The first error becomes a BadRequest with
   the code and the `param` that OpenAI would give it.
2. `parse` turns it into a `CompletionRequest`: the last message is the topic, the earlier ones are the content, and
   `metadata` holds the rest. What a client asks beside a chat becomes a `TaskRequest` (`tasks`).

docs/openai.md has the parameters in a table; a test compares the two.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from conversations.domain import requests
from conversations.domain.enums import ContentType
from conversations.domain.errors import InvalidInput, OutcryError, TooLongForModel
from conversations.domain.panels import PANELS
from conversations.domain.requests import MAX_ROUNDS, NewConversation
from conversations.domain.routing import AUTO
from conversations.domain.texts import has_visible_character
from streaming.transports.openai import tasks
from streaming.transports.openai.tasks import TASKS_MODEL, ClientTask


@dataclass(frozen=True)
class TeamModel:
    """What a model stands for: the `panel` of a request, and what people read."""

    panel: str
    title: str
    description: str


_AUTO: Final = TeamModel(AUTO, "Choose for me", "The team that fits the question.")
MODELS: Final[Mapping[str, TeamModel]] = {
    **{
        f"outcry-{panel.slug}": TeamModel(panel.slug, panel.title, panel.description)
        for panel in PANELS.values()
    },
    f"outcry-{AUTO}": _AUTO,
}
# Before the id of a panel that a person has composed.
COMPOSED: Final = "outcry-panel-"
_COMPOSED_MODEL: Final = re.compile(COMPOSED + r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Characters of an unknown parameter's name that an error repeats.
MAX_PARAM: Final = 100
# The code of what a debate does not do.
UNSUPPORTED: Final = "unsupported_parameter"


class BadRequest(OutcryError):
    """A parameter is wrong; `param` is its name and `code` the kind of error in OpenAI's notation."""

    def __init__(self, param: str, message: str, code: str = "invalid_value", http_status: int = 400) -> None:
        super().__init__(f"{param}: {message}")
        self.param = param
        self.code = code
        self.http_status = http_status


def composed(name: str) -> UUID | None:
    """The id of the composed panel that a model stands for, whether there is one or not; None: it stands for none."""
    return UUID(name.removeprefix(COMPOSED)) if _COMPOSED_MODEL.fullmatch(name) else None


def find_panel(name: str) -> str:
    """The `panel` that a model stands for. Raises BadRequest."""
    if name in MODELS:
        return MODELS[name].panel
    if (panel := composed(name)) is not None:
        return str(panel)
    raise no_such_model()


def no_such_model() -> BadRequest:
    known = ", ".join([*MODELS, TASKS_MODEL])
    message = (
        f"There is no such model. Use one of: {known}; or {COMPOSED}ID, with the id of a panel of yours."
    )
    return BadRequest("model", message, "model_not_found", 404)


class ChatPart(BaseModel):
    type: Literal["text"]
    text: str


_PARTS: Final = TypeAdapter(list[ChatPart])


def _joined_parts(content: Any) -> Any:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise PydanticCustomError("content", "This has to be a text, or a list of parts of type text")
    return "\n".join(part.text for part in _PARTS.validate_python(content))


class ChatMessage(BaseModel):
    """The last one is the question: of role user, at most 500 characters."""

    role: Literal["assistant", "developer", "system", "user"]
    content: Annotated[str, BeforeValidator(_joined_parts, json_schema_input_type=str | list[ChatPart])]

    @model_validator(mode="before")
    @classmethod
    def _require_text_only(cls, message: Any) -> Any:
        for name in ("audio", "function_call", "tool_calls"):
            if isinstance(message, dict) and message.get(name):
                raise PydanticCustomError("unsupported", "A debate takes text only", {"name": name})
        return message


def _number(pattern: re.Pattern[str], message: str) -> Any:
    """Accepts a text that is such a number, for the type's own parser."""

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise PydanticCustomError("number_text", message)
        return value

    return BeforeValidator(
        check, json_schema_input_type=Annotated[str, Field(pattern=f"^{pattern.pattern}$")]
    )


_WHOLE = _number(re.compile(r"-?[0-9]{1,15}"), "This has to be a whole number, as a text")
_DECIMAL = _number(re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?"), "This has to be a number, as a text")
_IDS: Final = BeforeValidator(
    lambda value: [id_.strip() for id_ in value.split(",")], json_schema_input_type=str
)
_ROUNDS: Final = {"type": "string", "pattern": f"^[1-{MAX_ROUNDS}]$"}


class ChatMetadata(BaseModel):
    """Texts. Those named here are for the debate; others are ignored."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    rounds: Annotated[int, _WHOLE, WithJsonSchema(_ROUNDS)] | None = None
    content_type: ContentType | None = None
    sources: Annotated[list[UUID], _IDS] | None = None
    datasets: Annotated[list[UUID], _IDS] | None = None
    organisation: UUID | None = None
    instrument: str | None = None
    as_of: str | None = None
    truncate: Literal["true", "false"] = "false"
    max_usd: Annotated[float, _DECIMAL] | None = None
    max_tokens: Annotated[int, _WHOLE] | None = None
    max_seconds: Annotated[int, _WHOLE] | None = None
    cancel_on_disconnect: Literal["true", "false"] = "false"
    conversation: UUID | None = None

    @model_validator(mode="before")
    @classmethod
    def _require_texts(cls, metadata: Any) -> Any:
        if not isinstance(metadata, dict):
            return metadata
        for name, value in metadata.items():
            if not isinstance(value, str):
                raise BadRequest(f"metadata.{name}"[:MAX_PARAM], 'Values of metadata are texts, such as "2".')
        return {name: value for name, value in metadata.items() if name in cls.model_fields}


class ChatStreamOptions(BaseModel):
    include_usage: StrictBool | None = None


def _refused_unless(*harmless: Any) -> Any:
    """A parameter that asks for what a debate does not do, but for these values, which ask for nothing."""
    return Field(default=None, json_schema_extra={"enum": [None, *harmless]})


class ChatRequest(BaseModel):
    """A debate that is asked for as a chat completion. A parameter that is null counts as not sent."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[
        str,
        WithJsonSchema(
            {
                "anyOf": [
                    {"enum": [*MODELS, TASKS_MODEL]},
                    {"type": "string", "pattern": f"^{_COMPOSED_MODEL.pattern}$"},
                ]
            }
        ),
    ]
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    metadata: ChatMetadata | None = None
    stream: StrictBool | None = None
    stream_options: ChatStreamOptions | None = None

    # Ignored: they say how a model should answer, and the models of a panel are the installation's.
    frequency_penalty: Any = None
    logit_bias: Any = None
    max_completion_tokens: Any = None
    max_tokens: Any = None
    parallel_tool_calls: Any = None
    prediction: Any = None
    presence_penalty: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    reasoning_effort: Any = None
    safety_identifier: Any = None
    seed: Any = None
    service_tier: Any = None
    store: Any = None
    temperature: Any = None
    # Offering tools is allowed; `tool_choice` must not require their use.
    tools: Any = None
    top_p: Any = None
    user: Any = None
    verbosity: Any = None

    # Refused: a client that sends one of them relies on its effect.
    audio: Any = _refused_unless()
    function_call: Any = _refused_unless("none")
    functions: Any = _refused_unless([])
    logprobs: Any = _refused_unless(False)
    modalities: Any = _refused_unless(["text"])
    moderation: Any = _refused_unless()
    n: Any = _refused_unless(1)
    response_format: Any = _refused_unless({"type": "text"})
    stop: Any = _refused_unless("", [])
    tool_choice: Any = _refused_unless("none", "auto")
    top_logprobs: Any = _refused_unless(0)
    web_search_options: Any = _refused_unless()

    @model_validator(mode="before")
    @classmethod
    def _check_parameters(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        sent = {name: value for name, value in body.items() if value is not None}
        for name, value in sent.items():
            if name not in cls.model_fields:
                raise BadRequest(name[:MAX_PARAM], "There is no such parameter.", "unknown_parameter")
            refused = cls.model_fields[name].json_schema_extra
            if isinstance(refused, dict) and not _is_any(value, refused["enum"]):
                raise BadRequest(name, "A debate does not do this.", UNSUPPORTED)
        return sent


def _is_any(value: Any, harmless: Any) -> bool:
    # Types are compared because True == 1 in Python.
    return any(type(value) is type(one) and value == one for one in harmless)


@dataclass(frozen=True)
class CompletionRequest:
    """A debate to start and stream as a completion, or, with `conversation`, one that was started before."""

    new: NewConversation
    model: str
    streamed: bool
    include_usage: bool
    cancel_on_disconnect: bool
    conversation: UUID | None = None


@dataclass(frozen=True)
class TaskRequest:
    """A short answer about a chat, without a debate."""

    task: ClientTask
    model: str
    streamed: bool
    include_usage: bool


def parse(body: Mapping[str, Any]) -> CompletionRequest | TaskRequest:
    """Parse a request's JSON object. Raises BadRequest for the first error."""
    try:
        chat = ChatRequest.model_validate(body)
    except ValidationError as failure:
        raise _bad_request(failure.errors(include_url=False)[0]) from None
    last = len(chat.messages) - 1
    if chat.messages[last].role != "user":
        raise BadRequest(f"messages[{last}].role", "The last message is the question: of role user.")
    streamed = bool(chat.stream)
    include_usage = bool(chat.stream_options and chat.stream_options.include_usage)
    metadata = chat.metadata or ChatMetadata()
    if (task := _task(chat, metadata)) is not None:
        return TaskRequest(task, chat.model, streamed, include_usage)
    panel = find_panel(chat.model)
    limits = metadata.model_dump(
        include={
            *("rounds", "content_type", "sources", "datasets", "organisation", "instrument", "as_of"),
            *("max_usd", "max_tokens", "max_seconds"),
        },
        exclude_none=True,
    )
    limits["truncate"] = metadata.truncate == "true"
    topic, content = chat.messages[last].content, _content(chat.messages[:last])
    return CompletionRequest(
        _new({"topic": topic, "content": content, "panel": panel, **limits}, last),
        chat.model,
        streamed,
        include_usage,
        metadata.cancel_on_disconnect == "true",
        metadata.conversation,
    )


def _task(chat: ChatRequest, metadata: ChatMetadata) -> ClientTask | None:
    if chat.model == TASKS_MODEL:
        last = len(chat.messages) - 1
        if not has_visible_character(chat.messages[last].content):
            raise BadRequest(f"messages[{last}].content", "Enter at least one visible character.")
        return tasks.of_any_model(chat.messages)
    if metadata.conversation is not None:
        return None
    return tasks.recognised(chat.messages, is_composed=composed(chat.model) is not None)


def _content(messages: Sequence[ChatMessage]) -> str:
    """The text of a single message, or of several, each under its role."""
    filled = [message for message in messages if message.content.strip()]
    if len(filled) == 1:
        return filled[0].content
    return "\n\n".join(f"{message.role.capitalize()}: {message.content}" for message in filled)


def _new(values: Mapping[str, Any], last: int) -> NewConversation:
    try:
        return requests.NewConversation.parse(values)
    except InvalidInput as refused:
        raise as_bad_request(refused, f"messages[{last}].content") from None


def as_bad_request(refused: InvalidInput, question: str = "messages") -> BadRequest:
    """The first problem of a new debate, under the client's own parameter; `question` is that of the topic."""
    problem = refused.problems[0]
    param = {"topic": question, "content": "messages"}.get(problem.field, f"metadata.{problem.field}")
    is_too_long = problem.rule in {"string_too_long", "too_long_in_all", TooLongForModel.code}
    return BadRequest(param, problem.message, "context_length_exceeded" if is_too_long else "invalid_value")


def _bad_request(error: ErrorDetails) -> BadRequest:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    param = path.removeprefix(".")
    message = requests.problems([error])[0].message
    if error["type"] == "unsupported":
        return BadRequest(f"{param}.{error['ctx']['name']}", message, UNSUPPORTED)
    if param.endswith("].type"):
        message = "A debate takes parts of type text only: no images, sounds or files."
        return BadRequest(param, message, UNSUPPORTED)
    is_missing = error["type"] == "missing" and len(error["loc"]) == 1
    return BadRequest(param, message, "missing_required_parameter" if is_missing else "invalid_value")
