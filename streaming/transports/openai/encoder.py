"""The events of a debate as an OpenAI chat completion, whole or in chunks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conversations.domain.enums import Status
from conversations.domain.frames import Frame
from streaming.http.stream_response import KEEPALIVE
from streaming.transports.openai.errors import CANCELLED, FAULT, Failure, closed
from streaming.transports.openai.markdown import Markdown
from streaming.wire.close_codes import Close
from streaming.wire.text_deltas import TextDeltas
from streaming.wire.thoughts import Thoughts


@dataclass(frozen=True)
class Finish:
    """The debate was completed. `usage` is None where the tokens of any call are unknown."""

    reason: str
    usage: Mapping[str, int] | None


class DebateText:
    """The text of a debate, frame by frame, and its outcome."""

    def __init__(self, rounds: int) -> None:
        self._markdown = Markdown(rounds)
        self._thoughts = Thoughts()
        self._thought_deltas = TextDeltas()
        self._status: Mapping[str, Any] = {}
        self._error: Failure | None = None
        self._usage: Mapping[str, int] | None = None

    def _take(self, frame: Frame) -> tuple[str, str]:
        """The thoughts, or the text, that the frame adds."""
        if self._thoughts.has(frame):
            return self._thought_deltas.take(frame), ""
        data = frame.data
        match frame.type:
            case "status":
                self._status = data
            case "error":
                self._error = Failure(500, data["code"], data["message"])
            case "complete":
                self._usage = _usage(data["cost_summary"])
        return "", self._markdown.write(frame)

    def _outcome(self, reason: Close) -> Finish | Failure:
        """The outcome of the debate, if the stream has ended for this reason."""
        if reason is not Close.ENDED:
            return closed(reason)
        match self._status.get("status"):
            case Status.COMPLETED:
                is_truncated = self._status["reason"] == "budget"
                return Finish("length" if is_truncated else "stop", self._usage)
            case Status.CANCELLED:
                return CANCELLED
            case Status.ERROR:
                return self._error or Failure(500, "error", "The debate failed.")
        return FAULT


class WholeEncoder(DebateText):
    """Keeps the text and the outcome, and sends nothing."""

    keepalive = (KEEPALIVE[0], b"")

    def __init__(self, rounds: int) -> None:
        super().__init__(rounds)
        self.text: list[str] = []
        self.thoughts: list[str] = []
        self.outcome: Finish | Failure = FAULT

    def event(self, frame: Frame) -> bytes:
        thought, text = self._take(frame)
        self.thoughts.append(thought)
        self.text.append(text)
        return b""

    def control(self, frame: Frame) -> bytes:
        return b""

    def end(self, reason: Close) -> bytes:
        self.outcome = self._outcome(reason)
        return b""


class ChunkEncoder(DebateText):
    """Encodes a chunk for the text that each frame adds. `envelope`: id, created and model."""

    keepalive = KEEPALIVE

    def __init__(self, envelope: Mapping[str, Any], rounds: int, *, include_usage: bool) -> None:
        super().__init__(rounds)
        self._include_usage = include_usage
        self._envelope = {**envelope, "object": "chat.completion.chunk"}

    def event(self, frame: Frame) -> bytes:
        thought, text = self._take(frame)
        if thought:
            return self._chunk({"reasoning_content": thought})
        return self._chunk({"content": text}) if text else b""

    def control(self, frame: Frame) -> bytes:
        """The first chunk, with the role, for the hello frame."""
        return self._chunk({"role": "assistant", "content": ""}) if frame.type == "hello" else b""

    def end(self, reason: Close) -> bytes:
        """The finish reason and [DONE] of a completed debate; else an error."""
        outcome = self._outcome(reason)
        if isinstance(outcome, Failure):
            return _event(outcome.body)
        last = self._chunk({}, outcome.reason)
        if self._include_usage and outcome.usage is not None:
            last += _event({**self._envelope, "choices": [], "usage": outcome.usage})
        return last + b"data: [DONE]\n\n"

    def _chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._include_usage else {}
        return _event({**self._envelope, "choices": [choice], **usage})


def _event(value: Mapping[str, Any]) -> bytes:
    # ASCII only: some clients take other characters for line ends.
    return f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()


def _usage(summary: Mapping[str, Any]) -> dict[str, int] | None:
    read, written = summary["input_tokens"], summary["output_tokens"]
    if read is None or written is None:
        return None
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
