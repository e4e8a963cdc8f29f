"""Answers and faults of the stand-in for a model provider."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Any, Final

from tests.fakes.waiting import Gate

VERDICT: Mapping[str, Any] = {
    "stance": "buy",
    "confidence_percent": 64,
    "summary": "The debate leans towards buying, with the contract's renewal as the open point.",
    "consensus": "Margins are improving.",
    "dissent": "The Risk Challenger holds that one customer is too much of the revenue.",
    "key_points": ["Margins rose by three points.", "One customer is a third of the revenue."],
    "risks": ["The contract may not be renewed."],
    "would_change": "A renewed contract would make it a strong buy.",
    "horizon": "12 months",
}


class Fault(Enum):
    """A fault after `Reply.fault_after` tokens. It lasts until the client disconnects, or ends the connection."""

    HANG = "no answer at all, not even a status"
    STALL = "silence in mid-answer"
    CLOSE = "the connection is closed as if the answer were whole: no length was announced, nothing says why it ended"
    CUT = "the connection is closed before the length that was announced"
    RESET = "the connection is reset"
    MALFORMED = "an event that is not JSON, then the rest"
    ERROR = "an error object instead of the rest"


class Outage(Enum):
    """A fault of a whole server."""

    REFUSED = "nothing listens on its port"
    BLACK_HOLE = "nobody takes its connections: connecting lasts until the client gives up"
    MUTE = "connections are accepted, and nothing is read from them"
    DEAF = "requests are read and not answered, not even GET /models"


@dataclass(frozen=True)
class Reply:
    """One answer.

    `tokens` may be a function, which then makes each token at the moment it is sent. `usage` is (prompt, completion)
    tokens, or None where the server does not say. With `tokens_per_second`, token N is due N / rate after the first,
    however late the ones before it were. `calls` are (tool, arguments in JSON), sent after the tokens. A `status` other
    than 200 is an error, with `retry_after` seconds if given. The first token comes `late` seconds after the answer has
    begun. `thoughts` are streamed before the tokens, as reasoning, at the same pace. A `body` is sent as it is, in one
    piece, instead of all that."""

    tokens: Sequence[str] | Callable[[], Iterable[str]] = ("A ", "scripted ", "answer.")
    finish_reason: str = "stop"
    usage: tuple[int, int] | None = (120, 30)
    calls: Sequence[tuple[str, str]] = ()
    tokens_per_second: float | None = None
    gate: Gate | None = None
    status: int = 200
    retry_after: int | None = None
    late: float = 0
    fault: Fault | None = None
    fault_after: int = 0
    thoughts: Sequence[str] = ()
    body: bytes | None = None
    content_type: str = "text/event-stream"

    def iterate(self) -> Iterator[str]:
        return iter(self.tokens() if callable(self.tokens) else self.tokens)


def says(*tokens: str, **how: Any) -> Reply:
    """An answer of these tokens; `how` as the fields of Reply."""
    return Reply(tokens, **how)


def asks(*questions: str, after: Sequence[str] = (), **how: Any) -> Reply:
    """A call for each question to the person who started the debate, after these tokens."""
    calls = [("ask_the_owner", json.dumps({"question": question})) for question in questions]
    return Reply(after, calls=calls, finish_reason="tool_calls", **how)


def calls(*called: tuple[str, Mapping[str, Any]], after: Sequence[str] = (), **how: Any) -> Reply:
    """Calls of tools, each with its arguments, after these tokens."""
    written = [(tool, json.dumps(arguments)) for tool, arguments in called]
    return Reply(after, calls=written, finish_reason="tool_calls", **how)


def verdict(**how: Any) -> Reply:
    """A valid verdict."""
    return says(json.dumps(VERDICT), **how)


def fails(status: int, retry_after: int | None = None) -> Reply:
    """An error status instead of an answer."""
    return Reply(status=status, retry_after=retry_after)


def refuses(message: str, code: str | None = None, status: int = 400) -> Reply:
    """An error status with the provider's own words."""
    error = {"message": message, "type": "invalid_request_error", "code": code}
    return Reply(status=status, body=json.dumps({"error": error}).encode())


def sends(body: bytes, content_type: str = "text/event-stream") -> Reply:
    """This body instead of an answer, with status 200."""
    return Reply(body=body, content_type=content_type)


def no_json() -> Reply:
    """A verdict that is no JSON at all."""
    return says("In my judgement, one should buy.")


def breaks_schema() -> Reply:
    """A verdict in JSON of another shape than was asked for."""
    return says(json.dumps({**VERDICT, "stance": "perhaps", "confidence_percent": 640}))


def too_long() -> Reply:
    """An answer that ended before its first word, because its tokens were spent."""
    return says(finish_reason="length")


def stamped(count: int) -> Callable[[], Iterator[str]]:
    """Tokens that carry the moment they were sent: nanoseconds of the monotonic clock, which all of a machine's
    processes share."""

    def tokens() -> Iterator[str]:
        for _ in range(count):
            yield f"{time.monotonic_ns()} "

    return tokens


SENTENCE: Final = "Apple closed at $532.17 [E1], with an RSI of 71, at "
_LETTERS: Final = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def figured(count: int) -> Callable[[], Iterator[str]]:
    """At least so many tokens, in sentences with two figures. The last token of each is the moment at which it was
    sent, as in `stamped`, but in letters, because digits would be a figure; `sent_at` reads it."""
    words = [f"{word} " for word in SENTENCE.split()]

    def tokens() -> Iterator[str]:
        for _ in range(ceil(count / (len(words) + 1))):
            yield from words
            yield f"{time.monotonic_ns():016x}".translate(_LETTERS) + ". "

    return tokens


def sent_at(word: str) -> int:
    """The nanoseconds of the last word of such a sentence."""
    return int("".join(f"{ord(letter) - ord('a'):x}" for letter in word), 16)
