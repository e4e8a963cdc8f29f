"""What the OpenAI-compatible door reads and writes, as types for the OpenAPI document.

The request's fields and values are taken from the tables that the door reads by.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from conversations.domain.enums import ContentType
from conversations.domain.requests import MAX_ROUNDS
from streaming.transports.openai import request
from streaming.transports.openai.request import IGNORED, REFUSED, ROLES


class ChatPart(BaseModel):
    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """The last one is the question: of role user, at most 500 characters."""

    model_config = ConfigDict(extra="allow")

    role: Literal[tuple(sorted(ROLES))]  # type: ignore[valid-type]
    content: str | list[ChatPart]


class ChatMetadata(BaseModel):
    """Texts. Those named here are for the debate; others are ignored."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    rounds: Annotated[str, Field(pattern=f"^[1-{MAX_ROUNDS}]$")] | None = None
    content_type: ContentType | None = None
    max_usd: str | None = None
    max_tokens: str | None = None
    max_seconds: str | None = None
    cancel_on_disconnect: Literal["true", "false"] | None = None
    conversation: str | None = None


class ChatStreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


def _harmless(values: Any) -> Any:
    """A field that takes these values, and null; of a refused parameter."""
    return (Any, Field(default=None, json_schema_extra={"enum": [None, *values]}))


_HONOURED: Final[dict[str, Any]] = {
    "model": (Literal[tuple(request.MODELS)], ...),
    "messages": (Annotated[list[ChatMessage], Field(min_length=1)], ...),
    "metadata": (ChatMetadata | None, None),
    "stream": (bool | None, None),
    "stream_options": (ChatStreamOptions | None, None),
}

_FIELDS: Final[dict[str, Any]] = {
    **_HONOURED,
    **dict.fromkeys(sorted(IGNORED), (Any, None)),
    **{name: _harmless(values) for name, values in sorted(REFUSED.items())},
}
ChatRequest: Final[type[BaseModel]] = create_model(
    "ChatRequest",
    __config__=ConfigDict(extra="forbid"),
    __doc__="A debate that is asked for as a chat completion.",
    **_FIELDS,
)


class ChatSaid(BaseModel):
    role: Literal["assistant"]
    content: str
    refusal: None


class ChatChoice(BaseModel):
    index: Literal[0]
    message: ChatSaid
    logprobs: None
    finish_reason: Literal["stop", "length"]


class ChatUsage(BaseModel):
    """Of all the agents."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """The debate, as Markdown; `id` is chatcmpl- and the conversation's. `usage` is null where it is unknown."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: Annotated[list[ChatChoice], Field(min_length=1, max_length=1)]
    usage: ChatUsage | None


class ChatDelta(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["assistant"] = "assistant"
    content: str = ""


class ChatChunkChoice(BaseModel):
    index: Literal[0]
    delta: ChatDelta
    logprobs: None
    finish_reason: Literal["stop", "length"] | None


class ChatChunk(BaseModel):
    """A piece of the text. The last, with `usage`, has no choices."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: Annotated[list[ChatChunkChoice], Field(max_length=1)]
    usage: ChatUsage | None = None


class ChatModel(BaseModel):
    """A panel."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    name: str
    description: str


class ChatModels(BaseModel):
    object: Literal["list"]
    data: list[ChatModel]


class ChatError(BaseModel):
    message: str
    type: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    param: str | None
    code: str


class ChatFailure(BaseModel):
    """As OpenAI has it."""

    error: ChatError


MODELS: Final[list[type[BaseModel]]] = [
    ChatRequest,
    ChatCompletion,
    ChatChunk,
    ChatModel,
    ChatModels,
    ChatFailure,
]
