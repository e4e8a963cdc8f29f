"""The bodies of OpenAI's responses, as they are built and as the OpenAPI document describes them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from conversations.domain.events import CheckedFigure


class ChatCitation(BaseModel):
    """`start_index` and `end_index` count code points of the whole content. `url` is the debate's page, at the item of
    evidence, or at the message for a figure that rests on none; `title` says which item it is."""

    start_index: int
    end_index: int
    url: str
    title: str


class ChatAnnotation(BaseModel):
    """A checked figure, in OpenAI's form of a citation. `figure` is it as in the event `figures`."""

    type: Literal["url_citation"]
    url_citation: ChatCitation
    figure: CheckedFigure


class ChatAnswer(BaseModel):
    """`reasoning_content`, what the agents thought apart from what they said, and `annotations`, the figures that were
    checked, are left out if they are empty."""

    role: Literal["assistant"]
    content: str
    refusal: None
    reasoning_content: str = ""
    annotations: list[ChatAnnotation] = []


class ChatChoice(BaseModel):
    index: Literal[0]
    message: ChatAnswer
    logprobs: None
    finish_reason: Literal["stop", "length"]


class ChatUsage(BaseModel):
    """The tokens that all agents read and wrote."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """The debate as Markdown. `id` is "chatcmpl-" and the conversation's id; `usage` is null if it is unknown."""

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
    reasoning_content: str = ""
    annotations: list[ChatAnnotation] = []


class ChatChunkChoice(BaseModel):
    index: Literal[0]
    delta: ChatDelta
    logprobs: None
    finish_reason: Literal["stop", "length"] | None


class ChatChunk(BaseModel):
    """A part of the text. The last chunk, with `usage`, has no choices."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: Annotated[list[ChatChunkChoice], Field(max_length=1)]
    usage: ChatUsage | None = None


class ChatModel(BaseModel):
    """A panel of agents, as a model."""

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
    """An error in OpenAI's format."""

    error: ChatError
