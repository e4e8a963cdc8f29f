"""Events of a debate as OpenAI's chat completions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from conversations.domain.enums import Status
from conversations.domain.errors import (
    InvalidInput,
    LimitReached,
    OutcryError,
    StorageFull,
    TooManyRequests,
    Unauthenticated,
)
from conversations.domain.frames import Frame
from conversations.domain.panels import Panel
from streaming.http.endpoint import Fault
from streaming.http.request import Request
from streaming.http.stream_response import SILENCE
from streaming.transports.openai.markdown import Markdown
from streaming.transports.openai.request import Asked, BadRequest
from streaming.wire.close_codes import Close
from streaming.wire.text_deltas import Other, TextDeltas

# What OpenAI's own clients obey: they send a POST again after 408, 409, 429 and 5xx.
NO_RETRY: Final = ("x-should-retry", "false")


# They wait no longer than this, whatever Retry-After says.
LONGEST_RETRY_SECONDS: Final = 60.0


# Clients want a date of a model; the first panel is of that day.
PANELS_SINCE: Final = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())


# What programs look for, where OpenAI has a word of its own for it.
_CODES: Final[Mapping[type[OutcryError], str]] = {
    Unauthenticated: "invalid_api_key",
    TooManyRequests: "rate_limit_exceeded",
}


class Unanswered(OutcryError):
    """A debate was started, and its answer could not begin. It goes on."""

    code = "internal"

    def __init__(self, conversation: UUID) -> None:
        super().__init__("The debate goes on, but its words cannot be sent; it can be read on the site.")
        self.conversation = conversation


@dataclass(frozen=True)
class Finish:
    """It was completed. `usage` is None where the tokens of any call are unknown."""

    reason: str
    usage: Mapping[str, int] | None


@dataclass(frozen=True)
class Failure:
    """It was not, or its end was not told."""

    http_status: int
    code: str
    message: str

    @property
    def body(self) -> dict[str, Any]:
        """As OpenAI has it."""
        return _error(self.message, _type(self.http_status), self.code, None)


_FAULT: Final = Failure(500, "internal", "Something went wrong at our end. The debate goes on.")


_BROKEN_OFF: Final[Mapping[Close, Failure]] = {
    Close.UNAUTHENTICATED: Failure(
        401, "invalid_api_key", "The key or session has ended. The debate goes on."
    ),
    Close.FORBIDDEN: Failure(403, "forbidden", "You may not watch this debate any more."),
    Close.RESTART: Failure(503, "restart", "The server restarts. The debate goes on, and can be read there."),
    Close.SLOW: Failure(503, "slow", "The words were taken too slowly. The debate goes on."),
    Close.EXPIRED: Failure(503, "expired", "No connection lasts for ever. The debate goes on."),
}


_CANCELLED: Final = Failure(409, "cancelled", "The debate was cancelled.")


class Debate:
    """Reads a debate to its end: gives its text, and knows what it came to."""

    def __init__(self, rounds: int) -> None:
        self._voices = TextDeltas()
        self._markdown = Markdown(rounds)
        self._status: Mapping[str, Any] = {}
        self._error: Failure | None = None
        self._usage: Mapping[str, int] | None = None

    def take(self, frame: Frame) -> str:
        """What the frame adds to the text."""
        pieces = []
        for speech in self._voices.take(frame.type, frame.data):
            pieces.append(self._markdown.write(speech))
            if isinstance(speech, Other):
                self._note(speech)
        return "".join(pieces)

    def outcome(self, why: Close) -> Finish | Failure:
        """What it came to; `why` its words end."""
        if why is not Close.ENDED:
            return _BROKEN_OFF.get(why, _FAULT)
        match self._status.get("status"):
            case Status.COMPLETED:
                # It was to be longer.
                is_cut = self._status["reason"] == "budget"
                return Finish("length" if is_cut else "stop", self._usage)
            case Status.CANCELLED:
                return _CANCELLED
            case Status.ERROR:
                return self._error or Failure(500, "error", "The debate failed.")
        return _FAULT

    def _note(self, event: Other) -> None:
        match event.type:
            case "status":
                self._status = event.data
            case "error":
                self._error = Failure(500, event.data["code"], event.data["message"])
            case "complete":
                self._usage = _usage(event.data["cost_summary"])


class Whole:
    """An encoder that says nothing, and keeps it for the end."""

    silence = (SILENCE[0], b"")

    def __init__(self, rounds: int) -> None:
        self.text: list[str] = []
        self.outcome: Finish | Failure = _FAULT
        self._debate = Debate(rounds)

    def frame(self, frame: Frame) -> bytes:
        self.text.append(self._debate.take(frame))
        return b""

    def aside(self, frame: Frame) -> bytes:
        return b""

    def end(self, why: Close) -> bytes:
        self.outcome = self._debate.outcome(why)
        return b""


class Chunks:
    """The encoder: a chunk for what each frame adds to the text."""

    silence = SILENCE

    def __init__(self, envelope: Mapping[str, Any], asked: Asked, rounds: int) -> None:
        self._debate = Debate(rounds)
        self._include_usage = asked.include_usage
        self._envelope = {**envelope, "object": "chat.completion.chunk"}

    def frame(self, frame: Frame) -> bytes:
        text = self._debate.take(frame)
        return self._chunk({"content": text}) if text else b""

    def aside(self, frame: Frame) -> bytes:
        return self._chunk({"role": "assistant", "content": ""}) if frame.type == "hello" else b""

    def end(self, why: Close) -> bytes:
        outcome = self._debate.outcome(why)
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
    # ASCII: some clients take some other characters for ends of lines.
    return f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()


def _error(message: str, type_: str, code: str, param: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


def _type(http_status: int) -> str:
    if http_status >= 500:
        return "server_error"
    return "rate_limit_error" if http_status == 429 else "invalid_request_error"


def _model(name: str, panel: Panel) -> dict[str, Any]:
    described = {"name": panel.title, "description": panel.description}
    return {"id": name, "object": "model", "created": PANELS_SINCE, "owned_by": "outcry", **described}


def _usage(summary: Mapping[str, Any]) -> dict[str, int] | None:
    read, written = summary["input_tokens"], summary["output_tokens"]
    if read is None or written is None:
        return None
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _body(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except InvalidInput as refused:
        problem = refused.problems[0]
        raise BadRequest(problem.field, problem.message) from None


def _may_be_retried(refused: OutcryError) -> bool:
    """Whether the same may go better in a moment; then nothing was started."""
    if isinstance(refused, LimitReached):
        return refused.retry_after is not None and refused.retry_after <= LONGEST_RETRY_SECONDS
    return not isinstance(refused, Unanswered | Fault | StorageFull) and refused.http_status >= 500
