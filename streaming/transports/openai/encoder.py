"""The events of a debate as an OpenAI chat completion, whole or in chunks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conversations.domain.enums import Status
from conversations.domain.frames import Frame
from conversations.domain.thoughts import Thoughts
from streaming.http.stream_response import KEEPALIVE, Encoder, data_event, encode_json
from streaming.transports.openai.annotations import Annotation, Annotations
from streaming.transports.openai.errors import CANCELLED, FAULT, NO_RETRY, Failure, closed
from streaming.transports.openai.markdown import Markdown
from streaming.transports.openai.responses import ChatCompletion
from streaming.wire.close_codes import Close
from streaming.wire.text_deltas import TextDeltas


@dataclass(frozen=True)
class Finish:
    """The debate was completed. `usage` is None where the tokens of any call are unknown."""

    reason: str
    usage: Mapping[str, int] | None


class CompletionEncoder(Encoder):
    """Collects the text of a debate, frame by frame, and its outcome. `envelope`: id, created and model; `page` is the
    address of the debate's page."""

    def __init__(self, envelope: Mapping[str, Any], rounds: int, page: str) -> None:
        self._envelope = envelope
        self._markdown = Markdown(rounds)
        self._annotations = Annotations(page)
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
                summary = data["cost_summary"]
                self._usage = usage_object(summary["input_tokens"], summary["output_tokens"])
        return "", self._markdown.write(frame)

    def _annotated(self, frame: Frame) -> list[Annotation]:
        """The annotations that the frame adds; call it before `_take`."""
        return self._annotations.take(frame, self._markdown.parts_of)

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


class WholeEncoder(CompletionEncoder):
    """Encodes one answer, when the debate has ended: the status code depends on the outcome."""

    keepalive = (KEEPALIVE[0], b"")
    content_type = "application/json"
    headers: Mapping[str, str] = {"cache-control": "no-store"}

    def __init__(self, envelope: Mapping[str, Any], rounds: int, page: str) -> None:
        super().__init__(envelope, rounds, page)
        self._thoughts_text: list[str] = []
        self._text: list[str] = []
        self._all_annotations: list[Annotation] = []

    def event(self, frame: Frame) -> bytes:
        self._all_annotations += self._annotated(frame)
        thought, text = self._take(frame)
        self._thoughts_text.append(thought)
        self._text.append(text)
        return b""

    def end(self, reason: Close) -> bytes:
        outcome = self._outcome(reason)
        if isinstance(outcome, Failure):
            self.http_status = outcome.http_status
            self.headers = {**self.headers, **NO_RETRY}
            return encode_json(outcome.body)
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._text), "refusal": None}
        if thoughts := "".join(self._thoughts_text):
            message["reasoning_content"] = thoughts
        if self._all_annotations:
            message["annotations"] = self._all_annotations
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": outcome.reason}
        body = {**self._envelope, "object": "chat.completion", "choices": [choice], "usage": outcome.usage}
        return encode_json(ChatCompletion.model_validate(body).model_dump(exclude_unset=True))


class ChunkEncoder(CompletionEncoder):
    """Encodes a chunk for the text that each frame adds."""

    def __init__(self, envelope: Mapping[str, Any], rounds: int, page: str, *, include_usage: bool) -> None:
        super().__init__({**envelope, "object": "chat.completion.chunk"}, rounds, page)
        self._include_usage = include_usage

    def event(self, frame: Frame) -> bytes:
        annotations = self._annotated(frame)
        thought, text = self._take(frame)
        if thought:
            return self._chunk({"reasoning_content": thought})
        added: dict[str, Any] = {"content": text} if text else {}
        if annotations:
            added["annotations"] = annotations
        return self._chunk(added) if added else b""

    def control(self, frame: Frame) -> bytes:
        """The first chunk, with the role, for the hello frame."""
        return self._chunk({"role": "assistant", "content": ""}) if frame.type == "hello" else b""

    def end(self, reason: Close) -> bytes:
        """The finish reason and [DONE] of a completed debate; else an error."""
        outcome = self._outcome(reason)
        if isinstance(outcome, Failure):
            return data_event(outcome.body)
        last = self._chunk({}, outcome.reason)
        if self._include_usage and outcome.usage is not None:
            last += data_event({**self._envelope, "choices": [], "usage": outcome.usage})
        return last + b"data: [DONE]\n\n"

    def _chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._include_usage else {}
        return data_event({**self._envelope, "choices": [choice], **usage})


def usage_object(read: int | None, written: int | None) -> dict[str, int] | None:
    """The `usage` of so many input and output tokens; None where one of them is unknown."""
    if read is None or written is None:
        return None
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
