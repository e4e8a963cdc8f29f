"""Answers in OpenAI's chat format as servers really send them, by server.

Each is the smallest one that shows its kind, written after the server's documentation or public reports."""

import json
from typing import Any

from tests.fakes.openai_format import DONE

TEXT = "Margins rose."


def chunk(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    """A chunk with this delta."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def event(data: Any) -> bytes:
    """One event."""
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def stream(*parts: Any, done: bool = True) -> bytes:
    """A whole body. Bytes are sent as they are, everything else as an event."""
    body = b"".join(part if isinstance(part, bytes) else event(part) for part in parts)
    return body + DONE if done else body


SAID, STOP = chunk(content=TEXT), chunk("stop")
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def _call(arguments: str, **how: Any) -> dict[str, Any]:
    function = {"name": "ask_the_owner", "arguments": arguments}
    return chunk(tool_calls=[{"id": "c", "type": "function", "function": function, **how}])


# Each is read as TEXT.
WHOLE: dict[str, bytes] = {
    "azure: a first chunk without choices": stream({"choices": [], "prompt_filter_results": []}, SAID, STOP),
    "vllm: usage with choices null": stream(SAID, STOP, {**chunk(), "choices": None, "usage": USAGE}),
    "vllm: usage without choices": stream(SAID, STOP, {"id": "c1", "usage": USAGE}),
    "a choice that is null": stream({**chunk(), "choices": [None]}, SAID, STOP),
    "a delta that is null": stream({**chunk(), "choices": [{"index": 0, "delta": None}]}, SAID, STOP),
    "a delta that is missing": stream({**chunk(), "choices": [{"index": 0}]}, SAID, STOP),
    "content that is null": stream(chunk(content=None, role="assistant"), SAID, STOP),
    "an event with empty data": stream(b"data: \n\n", SAID, STOP),
    "an event with null": stream(b"data: null\n\n", SAID, STOP),
    "an event with a number": stream(b"data: 1\n\n", SAID, STOP),
    "a gateway: a ping event": stream(b'event: ping\ndata: {"type": "ping"}\n\n', SAID, STOP),
    "openrouter: comments": stream(b": OPENROUTER PROCESSING\n\n", SAID, b":\n", STOP),
    "openrouter: error null": stream({**SAID, "error": None}, STOP),
    "mistral: content as parts": stream(chunk(content=[{"type": "text", "text": TEXT}]), STOP),
    "content as strings": stream(chunk(content=["Margins ", "rose."]), STOP),
    "a message instead of a delta": stream({"choices": [{"index": 0, "message": {"content": TEXT}}]}, STOP),
    "no finish reason before the end": stream(SAID),
    "an empty finish reason": stream(chunk("", content=TEXT)),
    "no finish reason, closed cleanly": stream(SAID, done=False),
    "no end at all but the finish reason": stream(SAID, STOP, done=False),
    "half of a character in another field": stream({**SAID, "obfuscation": "\ud83d"}, STOP),
    "line ends of Windows": stream(SAID, STOP).replace(b"\n", b"\r\n"),
    "line ends of old Macs": stream(SAID, STOP).replace(b"\n", b"\r"),
    "a byte order mark": b"\xef\xbb\xbf" + stream(SAID, STOP),
    "no space behind the colon": stream(SAID, STOP).replace(b"data: ", b"data:"),
    "no empty line between events": stream(SAID, STOP).replace(b"\n\n", b"\n"),
    "data in two lines": stream(
        b'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "Margins rose."}}]}\n\n'
    ),
    "something behind the end": stream(SAID, STOP) + event(chunk(content=" Never.")),
    "a whole answer as the only event": stream(
        {"choices": [{"index": 0, "message": {"content": TEXT}, "finish_reason": "stop"}]}
    ),
    "a tool call without a name beside text": stream(
        SAID, chunk(tool_calls=[{"function": None}, None]), STOP
    ),
    "calls with null": stream(chunk(content=TEXT, tool_calls=None, function_call=None), STOP),
}

# Each asks the question "Which horizon?".
CALLS: dict[str, bytes] = {
    "ollama: an index of null": stream(_call('{"question": "Which horizon?"}', index=None), STOP),
    "gemini: no index": stream(_call('{"question": "Which horizon?"}'), STOP),
    "no index, in pieces": stream(
        _call('{"question": '),
        chunk(tool_calls=[{"function": {"arguments": '"Which horizon?"}'}}]),
        chunk("tool_calls"),
    ),
    "arguments as an object": stream(
        chunk(
            tool_calls=[{"function": {"name": "ask_the_owner", "arguments": {"question": "Which horizon?"}}}]
        ),
        STOP,
    ),
    "an index of a billion": stream(_call('{"question": "Which horizon?"}', index=10**9), STOP),
}

CUT_CALL = stream(_call('{"question": "Which', index=0), chunk("tool_calls"))

# Thoughts, and then TEXT.
THINKING: dict[str, bytes] = {
    "deepseek: reasoning_content": stream(
        chunk(content=None, reasoning_content="Secret "), chunk(reasoning_content="thoughts."), SAID, STOP
    ),
    "openrouter and groq: reasoning": stream(
        chunk(reasoning="Secret ", content=""), chunk(reasoning="thoughts."), SAID, STOP
    ),
    "mistral: thinking parts": stream(
        chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Secret thoughts."}]}]),
        SAID,
        STOP,
    ),
    "qwen: think tags": stream(
        chunk(content="<th"), chunk(content="ink>Secret thoughts.</think>\n\n"), SAID, STOP
    ),
    "think tags in one chunk": stream(chunk(content=f"<think>Secret thoughts.</think>\n\n{TEXT}"), STOP),
    "a closing tag without an opening one": stream(
        chunk(content="Secret thoughts."), chunk(content="</thi"), chunk(content="nk>\n\n"), SAID, STOP
    ),
}

# Bodies with status 200 that are no answer, and their content types.
NO_ANSWER: dict[str, tuple[bytes, str]] = {
    "lm studio: a wrong path": (
        b'{"error": "Unexpected endpoint or method. (POST /chat/completions)"}',
        "application/json",
    ),
    "a web page": (b"<!doctype html><title>Welcome</title>", "text/html"),
    "nothing": (b"", "text/event-stream"),
    "other json": (b'{"status": "ok"}', "application/json"),
    "events of something else": (event({"status": "ok"}), "text/event-stream"),
}

WHOLE_ANSWER = json.dumps(
    {
        "id": "c1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
        "usage": USAGE,
    }
).encode()
