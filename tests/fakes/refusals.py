"""Servers that refuse a parameter: for OpenAIServer.refuses."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Body = Mapping[str, Any]


def error(message: str, **more: Any) -> str:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", **more}})


def refuses(is_wrong: Callable[[Body], object], refusal: str) -> Callable[[Body], str | None]:
    return lambda body: refusal if is_wrong(body) else None


def has_system_role(body: Body) -> bool:
    return any(message["role"] == "system" for message in body["messages"])


# What a server refuses, its words, and how many requests it refuses until that is known.
KINDS: dict[str, tuple[Callable[[Body], object], str, int]] = {
    "response_format": (
        lambda body: "response_format" in body,
        error("This response_format type is unavailable now"),
        2,
    ),
    "json_schema": (
        lambda body: (body.get("response_format") or {}).get("type") == "json_schema",
        error("'response_format.type' must be 'json_object' or 'text'"),
        1,
    ),
    "max_tokens": (
        lambda body: "max_tokens" in body,
        error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        ),
        1,
    ),
    "both limits": (
        lambda body: "max_tokens" in body or "max_completion_tokens" in body,
        error("The limit is too large.", param="max_tokens"),
        2,
    ),
    "stream_options": (
        lambda body: "stream_options" in body,
        json.dumps(
            {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}
        ),
        1,
    ),
    "the system role": (has_system_role, error("System role not supported"), 1),
    "a stream": (lambda body: body["stream"], error("Streaming is not supported."), 1),
    "a schema in a stream": (
        lambda body: body["stream"] and "response_format" in body,
        error("response_format json_schema is not supported with streaming"),
        1,
    ),
}
