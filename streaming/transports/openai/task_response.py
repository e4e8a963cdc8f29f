"""The answer to a client's task as a chat completion, whole or as a stream of one chunk."""

import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from conversations.services.short_answers import ShortAnswer
from streaming.http.responses import JSONResponse
from streaming.http.stream_response import EVENT_STREAM, data_event
from streaming.transports.openai.encoder import usage_object
from streaming.transports.openai.request import TaskRequest
from streaming.transports.openai.responses import ChatCompletion


def task_response(request: TaskRequest, answer: ShortAnswer) -> Response:
    """The response in the form that the request asked for."""
    # No conversation has this id: nothing is stored.
    envelope = {"id": f"chatcmpl-{uuid4()}", "created": int(time.time()), "model": request.model}
    usage = usage_object(answer.usage.input_tokens, answer.usage.output_tokens)
    if request.streamed:
        body = b"".join(_chunks(envelope, answer, usage, include_usage=request.include_usage))
        headers = {"content-type": EVENT_STREAM, "cache-control": "no-cache, no-transform"}
        return Response(body + b"data: [DONE]\n\n", headers=headers)
    message = {"role": "assistant", "content": answer.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
    whole = {**envelope, "object": "chat.completion", "choices": [choice], "usage": usage}
    return JSONResponse(ChatCompletion.model_validate(whole).model_dump(exclude_unset=True))


def _chunks(
    envelope: Mapping[str, Any],
    answer: ShortAnswer,
    usage: Mapping[str, int] | None,
    *,
    include_usage: bool,
) -> Iterator[bytes]:
    chunk = {**envelope, "object": "chat.completion.chunk", **({"usage": None} if include_usage else {})}
    said = {"index": 0, "delta": {"role": "assistant", "content": answer.text}, "logprobs": None}
    yield data_event({**chunk, "choices": [{**said, "finish_reason": None}]})
    yield data_event({**chunk, "choices": [{**said, "delta": {}, "finish_reason": answer.finish_reason}]})
    if include_usage and usage is not None:
        yield data_event({**chunk, "choices": [], "usage": usage})
