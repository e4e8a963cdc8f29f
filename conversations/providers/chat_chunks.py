"""Reads the chunks and whole answers of OpenAI's chat format. Pure.

Servers that say they speak this format differ: fields are null or missing, content is a list of parts, reasoning has
several names, tool calls have no index. What carries nothing is skipped.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from conversations.providers.event_stream import EventTooLarge

# A model calls few tools at once; a larger index is an error of the server.
MAX_CALLS: Final = 32
# Characters of the arguments of an answer's calls: a tool that takes more would not be one that people can follow.
MAX_ARGUMENTS: Final = 1 << 18
# The names of reasoning: DeepSeek's, Qwen's and vLLM's, then OpenRouter's, Groq's and Ollama's.
_REASONING: Final = ("reasoning_content", "reasoning")


class Piece(NamedTuple):
    """What a chunk adds to the answer: thoughts, then text."""

    thought: str
    text: str


class ErrorInAnswer(Exception):
    """The server sent an error object with status 200. `status_code` is the HTTP status that it names, or None;
    `has_begun`: a part of the answer had come before."""

    def __init__(self, body: Any) -> None:
        super().__init__("The server sent an error with status 200.")
        self.body = body
        self.has_begun = False
        code = body.get("code") if isinstance(body, Mapping) else None
        if isinstance(code, str) and code.isascii() and code.isdigit():
            code = int(code)
        self.status_code = code if isinstance(code, int) and 400 <= code < 600 else None


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class ChatAnswer:
    """The answer so far. `usage` is (prompt, output) tokens, None where the server did not say; `calls` are the model's
    calls of tools. `is_recognised`: something of it was a chunk or a whole answer in this format."""

    is_recognised: bool = False
    text: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    usage: tuple[int | None, int | None] = (None, None)
    model: str | None = None
    id: str | None = None
    calls: dict[object, _Call] = field(default_factory=dict)

    def take(self, data: Any, event: str = "") -> Piece | None:
        """Add a decoded chunk, or a whole answer; None if it carries no text. `event` is the name of the server's
        event. Raises ErrorInAnswer if it is an error, and EventTooLarge if the arguments of calls have no end."""
        if not isinstance(data, dict):
            return None
        if (error := _error(data, event)) is not None:
            raise ErrorInAnswer(error)
        self._count(data)
        choices = data.get("choices")
        if not isinstance(choices, list):
            return None
        self.is_recognised = True
        self.model = _text(data.get("model")) or self.model
        self.id = _text(data.get("id")) or self.id
        # Only one answer is asked for.
        choice = choices[0] if choices else None
        return self._choose(choice) if isinstance(choice, dict) else None

    def _choose(self, choice: Mapping[str, Any]) -> Piece | None:
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            # A refusal stays one, whatever reason follows.
            self.finish_reason = self.finish_reason if self.finish_reason == "refusal" else reason
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = choice.get("message")
        if not isinstance(delta, dict):
            return None
        thought, text = _content(delta.get("content"))
        for name in _REASONING:
            if isinstance(value := delta.get(name), str) and value:
                thought = value + thought
                break
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            text += refusal
            self.finish_reason = "refusal"
        if calls := delta.get("tool_calls"):
            self._call(calls)
        if text:
            self.text.append(text)
        return Piece(thought, text) if thought or text else None

    def _call(self, calls: Any) -> None:
        for call in calls if isinstance(calls, list) else ():
            if not isinstance(call, dict):
                continue
            slot = self._slot(call.get("index"), _text(call.get("id")))
            function = call.get("function")
            if slot is None or not isinstance(function, dict):
                continue
            slot.name = _text(function.get("name")) or slot.name
            arguments = function.get("arguments")
            if isinstance(arguments, dict):
                slot.arguments = json.dumps(arguments)
            elif isinstance(arguments, str):
                slot.arguments += arguments
            if sum(len(each.arguments) for each in self.calls.values()) > MAX_ARGUMENTS:
                # No limit on tokens of the answer counts them, and some servers ignore the one in the request.
                raise EventTooLarge

    def _slot(self, index: Any, id_: str | None) -> _Call | None:
        """The call that a piece belongs to: by its index, else by its id, else the last one."""
        if isinstance(index, int):
            key: object = index
        elif id_ is not None:
            key = next((known for known, call in self.calls.items() if call.id == id_), id_)
        else:
            key = next(reversed(self.calls), 0)
        if key not in self.calls:
            if len(self.calls) >= MAX_CALLS:
                return None
            self.calls[key] = _Call()
        slot = self.calls[key]
        slot.id = id_ or slot.id
        return slot

    def _count(self, data: Mapping[str, Any]) -> None:
        usage = data.get("usage")
        if isinstance(usage, dict):
            self.is_recognised = True
            self.usage = _whole(usage.get("prompt_tokens")), _whole(usage.get("completion_tokens"))


def _error(data: Mapping[str, Any], event: str) -> Any:
    """The error that the object is, or None."""
    if error := data.get("error"):
        return error
    if "choices" in data:
        return None
    return data if event == "error" or "error" in (data.get("object"), data.get("type")) else None


def _content(content: Any) -> Piece:
    """Thoughts and text of a message's content: a string, or a list of parts."""
    if isinstance(content, str):
        return Piece("", content)
    thought = text = ""
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            text += part
        elif isinstance(part, dict):
            if "thinking" in part:
                thought += _joined(part["thinking"])
            else:
                text += _text(part.get("text")) or ""
    return Piece(thought, text)


def _joined(parts: Any) -> str:
    if isinstance(parts, str):
        return parts
    texts: Iterable[Any] = parts if isinstance(parts, list) else ()
    return "".join(_text(part.get("text")) or "" for part in texts if isinstance(part, dict))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(count: Any) -> int | None:
    # 10^15: JSON may also hold Infinity.
    return int(count) if isinstance(count, int | float) and 0 <= count < 1e15 else None
