"""A stand-in for a model provider with a protocol of its own: Anthropic's, Gemini's and Ollama's, over real HTTP.

Each function of `Answers` makes the bytes of one answer in one protocol."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.listening import listening

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Sent:
    """An answer as it is sent."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


@dataclass
class ProviderServer:
    """`answer` makes the answer to each request's body, which `asked` keeps."""

    answer: Callable[[Body], Sent]
    url: str = ""
    asked: list[Body] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response({})
        body = {**await request.json(), "path": request.path, "query": request.query_string}
        self.asked.append(body)
        sent = self.answer(body)
        return web.Response(body=sent.body, content_type=sent.content_type, status=sent.status)


@asynccontextmanager
async def provider_server(answer: Callable[[Body], Sent]) -> AsyncIterator[ProviderServer]:
    """The stand-in, in the test's event loop."""
    server = ProviderServer(answer)
    async with listening(server.take) as server.url:
        yield server


def anthropic(text: str, body: Body, *, thinking: str = "", stop: str = "end_turn") -> Sent:
    """Anthropic's answer, streamed if the request says so."""
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}]
    if thinking:
        blocks.insert(0, {"type": "thinking", "thinking": thinking, "signature": "s"})
    usage = {"input_tokens": 9, "output_tokens": 3}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    if not body.get("stream"):
        whole = {**message, "content": blocks, "stop_reason": stop, "usage": usage}
        return Sent(json.dumps(whole).encode())
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": usage}},
        {"type": "ping"},
    ]
    for index, block in enumerate(blocks):
        kind = block["type"]
        start = {**block, "text": ""} if kind == "text" else {**block, "thinking": "", "signature": ""}
        delta = {"type": f"{kind}_delta", kind: block[kind]}
        events += [
            {"type": "content_block_start", "index": index, "content_block": start},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    ended = {"stop_reason": stop, "stop_sequence": None}
    events += [
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]
    lines = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)
    return Sent(lines.encode(), "text/event-stream")


def anthropic_refusal(message: str) -> Sent:
    """Anthropic's refusal of a request."""
    error = {"type": "invalid_request_error", "message": message}
    return Sent(json.dumps({"type": "error", "error": error}).encode(), status=400)


def gemini(text: str, body: Body, *, thinking: str = "", stop: str = "STOP") -> Sent:
    """Gemini's answer, streamed if the path says so."""
    parts: list[dict[str, Any]] = [{"text": text}]
    if thinking:
        parts.insert(0, {"text": thinking, "thought": True})
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": stop, "index": 0}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
    whole = json.dumps({"candidates": [candidate], "usageMetadata": usage})
    if "stream" in body["path"]:
        return Sent(f"data: {whole}\n\n".encode(), "text/event-stream")
    return Sent(whole.encode())


def gemini_refusal(message: str) -> Sent:
    """Gemini's refusal of a request."""
    error = {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}
    return Sent(json.dumps({"error": error}).encode(), status=400)


def ollama(text: str, body: Body, *, thinking: str = "", stop: str = "stop") -> Sent:
    """Ollama's answer, streamed if the request says so."""
    message = {"role": "assistant", "content": text, "thinking": thinking}
    whole = {
        "model": "m",
        "created_at": "2026-01-01T00:00:00Z",
        "message": message,
        "done": True,
        "done_reason": stop,
        "prompt_eval_count": 9,
        "eval_count": 3,
    }
    content_type = "application/x-ndjson" if body.get("stream") else "application/json"
    return Sent(json.dumps(whole).encode() + b"\n", content_type)


def ollama_refusal(message: str) -> Sent:
    """Ollama's refusal of a request."""
    return Sent(json.dumps({"error": message}).encode(), status=400)
