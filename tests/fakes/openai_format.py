"""The bytes of an OpenAI-compatible chat endpoint."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

DONE = b"data: [DONE]\n\n"
MALFORMED = b'data: {"id": "chatcmpl-1", "choices": [\n\n'


def head(
    status: int,
    content_type: str,
    *,
    length: int | None = None,
    chunked: bool = False,
    retry_after: int | None = None,
) -> bytes:
    """An HTTP/1.1 response's head. With neither a length nor chunks, the end of the connection ends the body."""
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {content_type}",
        "Connection: close",
    ]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    if retry_after is not None:
        lines.append(f"Retry-After: {retry_after}")
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(body: bytes) -> bytes:
    """A piece of a chunked body; an empty one ends it."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def delta(model: str, finish_reason: str | None = None, **fields: Any) -> bytes:
    """A streamed event with a piece of the answer."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish_reason}
    return _event({**_common(model, "chat.completion.chunk"), "choices": [choice]})


def tool_calls(model: str, calls: Sequence[tuple[str, str]]) -> Iterator[bytes]:
    """The streamed events of calls, (tool, arguments in JSON): the name first, then the arguments in pieces."""
    for index, (name, arguments) in enumerate(calls):
        opening = {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        yield delta(model, tool_calls=[{"index": index, **opening}])
        half = len(arguments) // 2
        for piece in (arguments[:half], arguments[half:]):
            yield delta(model, tool_calls=[{"index": index, "function": {"arguments": piece}}])


def usage_event(model: str, usage: tuple[int, int]) -> bytes:
    """The streamed event with the counts, which has no choices."""
    return _event({**_common(model, "chat.completion.chunk"), "choices": [], "usage": _usage(usage)})


def error_event(message: str) -> bytes:
    """An error in mid-stream."""
    return _event({"error": {"message": message, "type": "server_error", "code": 500}})


def completion(model: str, text: str, finish_reason: str, usage: tuple[int, int] | None) -> bytes:
    """A whole answer."""
    message = {"role": "assistant", "content": text}
    body = {
        **_common(model, "chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
    }
    if usage is not None:
        body["usage"] = _usage(usage)
    return json.dumps(body).encode()


def error(status: int) -> bytes:
    """The body of an error status, with a detail that no person should see."""
    detail = f"secret-detail-of-{status}"
    return json.dumps(
        {"error": {"message": detail, "type": "invalid_request_error", "code": detail}}
    ).encode()


def models(*names: str) -> bytes:
    """The list of models."""
    return json.dumps(
        {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
    ).encode()


def _common(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_750_000_000, "model": model}


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    prompt, output = usage
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"
