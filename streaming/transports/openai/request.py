"""The request format of OpenAI's Chat Completions: what of it asks for a debate, and what of it we cannot do.

Pure. docs/openai.md has the same in a table; a test compares the two.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from conversations.domain import requests
from conversations.domain.errors import InvalidInput, OutcryError, Problem
from conversations.domain.panels import PANELS, Panel
from conversations.domain.requests import NewConversation

MODELS: Final[Mapping[str, Panel]] = {f"outcry-{panel.slug}": panel for panel in PANELS.values()}

HONOURED: Final = frozenset({"messages", "metadata", "model", "stream", "stream_options"})
# They say how a model should answer, and the models of a panel are the installation's.
IGNORED: Final = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "max_completion_tokens",
        "max_tokens",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "seed",
        "service_tier",
        "store",
        "temperature",
        # An offer that nobody has to take up; `tool_choice` says who must.
        "tools",
        "top_p",
        "user",
        "verbosity",
    }
)
# Whoever sends these builds on what they bring. The values that ask for nothing are taken.
REFUSED: Final[Mapping[str, Sequence[Any]]] = {
    "audio": [],
    "function_call": ["none"],
    "functions": [[]],
    "logprobs": [False],
    "modalities": [["text"]],
    "moderation": [],
    "n": [1],
    "response_format": [{"type": "text"}],
    "stop": ["", []],
    "tool_choice": ["none", "auto"],
    "top_logprobs": [0],
    "web_search_options": [],
}
ROLES: Final = frozenset({"system", "developer", "user", "assistant"})
# Of a message, what cannot be debated.
_REFUSED_IN_MESSAGES: Final = ("audio", "function_call", "tool_calls")

_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


class BadRequest(OutcryError):
    """A parameter is wrong; `param` is its name, as OpenAI would write it."""

    code = "invalid_value"
    http_status = 400

    def __init__(self, param: str, message: str) -> None:
        super().__init__(f"{param}: {message}")
        self.param = param


class Missing(BadRequest):
    """A parameter is needed."""

    code = "missing_required_parameter"


class Unknown(BadRequest):
    """There is no such parameter."""

    code = "unknown_parameter"


class Unsupported(BadRequest):
    """It asks for what a debate does not do."""

    code = "unsupported_parameter"


class TooLong(BadRequest):
    """There are more words than a debate takes."""

    code = "context_length_exceeded"


class UnknownModel(BadRequest):
    """There is no such panel."""

    code = "model_not_found"
    http_status = 404


@dataclass(frozen=True)
class Asked:
    """A debate that is asked for, and how it is to be told. With `conversation` it is one that was started before."""

    new: NewConversation
    model: str
    streamed: bool
    include_usage: bool
    cancel_on_disconnect: bool
    conversation: UUID | None = None


def read(body: Mapping[str, Any]) -> Asked:
    """What the body of a request asks for. Raises BadRequest with the first thing that is wrong."""
    given = {name: value for name, value in body.items() if value is not None}
    for name in ("model", "messages"):
        if name not in given:
            raise Missing(name, "This is needed.")
    model = panel_of(given["model"])[0]
    _refuse(given)
    topic, content = _words(given["messages"])
    metadata = _metadata(given.get("metadata", {}))
    cancel = _flag(metadata.pop("cancel_on_disconnect", "false"), "metadata.cancel_on_disconnect")
    conversation = _conversation(metadata.pop("conversation", None))
    streamed = given.get("stream", False)
    if not isinstance(streamed, bool):
        raise BadRequest("stream", "Use true or false.")
    values = {"topic": topic, "content": content, "panel": MODELS[model].slug, **_numbers(metadata)}
    place = f"messages[{len(given['messages']) - 1}].content"
    usage = _usage(given.get("stream_options", {}))
    return Asked(_form(values, place), model, streamed, usage, cancel, conversation)


def panel_of(model: Any) -> tuple[str, Panel]:
    """The model's id, and the panel that it stands for. Raises UnknownModel."""
    if not isinstance(model, str):
        raise BadRequest("model", "This has to be a text.")
    if model not in MODELS:
        raise UnknownModel("model", f"There is no such model. Use one of: {', '.join(MODELS)}.")
    return model, MODELS[model]


def _refuse(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if name in REFUSED and not any(_same(value, harmless) for harmless in REFUSED[name]):
            raise Unsupported(name, "A debate does not do this.")
        if name not in HONOURED and name not in IGNORED and name not in REFUSED:
            raise Unknown(name[:100], "There is no such parameter.")


def _same(value: Any, harmless: Any) -> bool:
    # In Python, True is 1.
    return type(value) is type(harmless) and bool(value == harmless)


def _words(messages: Any) -> tuple[str, str]:
    """The question, which is the last message, and what it is about, which is all before."""
    if not isinstance(messages, list):
        raise BadRequest("messages", "This has to be a list.")
    if not messages:
        raise BadRequest("messages", "This is empty; send at least one message, of role user.")
    said = [_message(message, f"messages[{place}]") for place, message in enumerate(messages)]
    if said[-1][0] != "user":
        raise BadRequest(f"messages[{len(said) - 1}].role", "The last message is the question: of role user.")
    return said[-1][1], _joined([(role, text) for role, text in said[:-1] if text.strip()])


def _message(message: Any, place: str) -> tuple[str, str]:
    if not isinstance(message, dict):
        raise BadRequest(place, "This has to be an object.")
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise BadRequest(f"{place}.role", f"Use one of: {', '.join(sorted(ROLES))}.")
    for name in _REFUSED_IN_MESSAGES:
        if message.get(name):
            raise Unsupported(f"{place}.{name}", "A debate takes text only.")
    return role, _text(message.get("content"), f"{place}.content")


def _text(content: Any, place: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadRequest(place, "This has to be a text, or a list of parts of type text.")
    return "\n".join(_part(part, f"{place}[{number}]") for number, part in enumerate(content))


def _part(part: Any, place: str) -> str:
    if not isinstance(part, dict):
        raise BadRequest(place, "This has to be an object.")
    if part.get("type") != "text":
        raise Unsupported(
            f"{place}.type", "A debate takes parts of type text only: no images, sounds or files."
        )
    if not isinstance(part.get("text"), str):
        raise BadRequest(f"{place}.text", "This has to be a text.")
    text: str = part["text"]
    return text


def _joined(said: Sequence[tuple[str, str]]) -> str:
    if len(said) == 1:
        # What was given to be debated, as it was given.
        return said[0][1]
    return "\n\n".join(f"{role.capitalize()}: {text}" for role, text in said)


def _metadata(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict):
        raise BadRequest("metadata", "This has to be an object.")
    for name, value in metadata.items():
        if not isinstance(value, str):
            raise BadRequest(f"metadata.{name}"[:100], 'Values of metadata are texts, such as "2".')
    return metadata.copy()


def _conversation(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise BadRequest("metadata.conversation", "This has to be the id of a debate.") from None


def _numbers(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What of the metadata is for us, as the form has it; the rest is the client's own."""
    values: dict[str, Any] = {}
    for name in ("rounds", "max_tokens", "max_seconds"):
        if name in metadata:
            if not _WHOLE.fullmatch(metadata[name]):
                raise BadRequest(f"metadata.{name}", "This has to be a whole number, as a text.")
            values[name] = int(metadata[name])
    if "max_usd" in metadata:
        if not _NUMBER.fullmatch(metadata["max_usd"]):
            raise BadRequest("metadata.max_usd", "This has to be a number, as a text.")
        values["max_usd"] = float(metadata["max_usd"])
    if "content_type" in metadata:
        values["content_type"] = metadata["content_type"]
    return values


def _usage(options: Any) -> bool:
    if not isinstance(options, dict):
        raise BadRequest("stream_options", "This has to be an object.")
    wanted = options.get("include_usage")
    if wanted is not None and not isinstance(wanted, bool):
        raise BadRequest("stream_options.include_usage", "Use true or false.")
    return bool(wanted)


def _flag(text: str, param: str) -> bool:
    if text not in {"true", "false"}:
        raise BadRequest(param, 'Use "true" or "false".')
    return text == "true"


def _form(values: Mapping[str, Any], place: str) -> NewConversation:
    try:
        return requests.parse(values)
    except InvalidInput as refused:
        raise _as_here(refused.problems[0], place) from None


def _as_here(problem: Problem, place: str) -> BadRequest:
    """The problem, under the name that the caller gave the value."""
    names = {"topic": place, "content": "messages"}
    param = names.get(problem.field, f"metadata.{problem.field}")
    return (TooLong if problem.rule == "string_too_long" else BadRequest)(param, problem.message)
