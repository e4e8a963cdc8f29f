"""How A2A clients want a task told: by JSON-RPC of either version, or by HTTP+JSON; as a stream, or as one answer."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from a2a.compat.v0_3 import conversions
from a2a.compat.v0_3 import types as types_v03
from a2a.server.request_handlers.response_helpers import build_error_response
from a2a.types import Task
from a2a.utils.constants import A2A_JSON_MEDIA_TYPE
from a2a.utils.error_handlers import build_rest_error_payload
from a2a.utils.errors import A2AError, InternalError
from a2a.utils.proto_utils import to_stream_response
from google.protobuf.json_format import MessageToDict

from conversations.domain.frames import Frame
from streaming.transports.a2a import task
from streaming.transports.a2a.task import SETTLED, Told, Update
from streaming.wire.close_codes import Close

# The SDK's client gives up after 5 s without a byte, unless it was told otherwise.
SILENCE_SECONDS: Final = 3.0
BEAT: Final = b": still here\n"
# What HTTP's statuses are called in the errors of HTTP+JSON.
STATUSES: Final[Mapping[int, str]] = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "FAILED_PRECONDITION",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class Dialect(Protocol):
    """How a client wants its answers."""

    content_type: str

    def update(self, told: Task | Update) -> dict[str, Any]:
        """A stream's next item."""

    def whole(self, told: Task, *, is_sent: bool) -> dict[str, Any]:
        """A whole answer; `is_sent`: to a message."""

    def error(self, why: Close) -> dict[str, Any]:
        """That it broke off, in a stream or instead of the whole answer."""


@dataclass(frozen=True)
class Rpc10:
    """JSON-RPC of A2A 1.0, in answer to the request `id`."""

    id: str | int | None
    content_type = "application/json"

    def update(self, told: Task | Update) -> dict[str, Any]:
        return self._result(MessageToDict(to_stream_response(told)))

    def whole(self, told: Task, *, is_sent: bool) -> dict[str, Any]:
        stands = MessageToDict(told)
        return self._result({"task": stands} if is_sent else stands)

    def error(self, why: Close) -> dict[str, Any]:
        return build_error_response(self.id, _broken_off(why))

    def _result(self, result: dict[str, Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": self.id, "result": result}


@dataclass(frozen=True)
class Rpc03:
    """JSON-RPC of A2A 0.3."""

    id: str | int | None
    content_type = "application/json"

    def update(self, told: Task | Update) -> dict[str, Any]:
        return _dumped(conversions.to_compat_stream_response(to_stream_response(told), self.id))

    def whole(self, told: Task, *, is_sent: bool) -> dict[str, Any]:
        result = conversions.to_compat_task(told)
        return _dumped(types_v03.SendMessageSuccessResponse(id=self.id, result=result))

    def error(self, why: Close) -> dict[str, Any]:
        return build_error_response(self.id, _broken_off(why))


def _dumped(response: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = response.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


class Http:
    """HTTP+JSON of A2A 1.0."""

    content_type = A2A_JSON_MEDIA_TYPE

    def update(self, told: Task | Update) -> dict[str, Any]:
        item: dict[str, Any] = MessageToDict(to_stream_response(told))
        return item

    def whole(self, told: Task, *, is_sent: bool) -> dict[str, Any]:
        stands: dict[str, Any] = MessageToDict(told)
        return {"task": stands} if is_sent else stands

    def error(self, why: Close) -> dict[str, Any]:
        status = _http_status(why)
        payload = build_rest_error_payload(_broken_off(why))
        return {"error": {**payload["error"], "code": status, "status": STATUSES.get(status, "INTERNAL")}}


class Items:
    """The encoder of a stream: Server-Sent Events, of which the first is the task as it stands."""

    silence = (SILENCE_SECONDS, BEAT)

    def __init__(self, told: Told, dialect: Dialect) -> None:
        self._teller = told.teller
        self._dialect = dialect
        self._first: Task | None = told.task

    def frame(self, frame: Frame) -> bytes:
        return b"".join(_event(self._dialect.update(update)) for update in self._teller.take(frame))

    def aside(self, frame: Frame) -> bytes:
        first, self._first = self._first, None
        return b"" if first is None else _event(self._dialect.update(first))

    def end(self, why: Close) -> bytes:
        if why is Close.ENDED:
            return b""
        return b"event: error\n" + _event(self._dialect.error(why))


class Whole:
    """The encoder of one answer, which is told once the task is settled; until then, space before it. `http_status` is
    another than 200 once it has broken off."""

    silence = (SILENCE_SECONDS, b"\n")

    def __init__(self, told: Told, dialect: Dialect, *, is_sent: bool) -> None:
        self.enough = asyncio.Event()
        self.http_status = 200
        self._teller = told.teller
        self._task = told.task
        self._is_sent = is_sent
        self._dialect = dialect

    def frame(self, frame: Frame) -> bytes:
        # What comes after the end of the answer is not part of it.
        if not self.enough.is_set():
            task.apply(self._task, self._teller.take(frame))
            if frame.type == "status" and self._task.status.state in SETTLED:
                self.enough.set()
        return b""

    def aside(self, frame: Frame) -> bytes:
        return b""

    def end(self, why: Close) -> bytes:
        if why is Close.ENDED:
            return _json(self._dialect.whole(self._task, is_sent=self._is_sent))
        self.http_status = _http_status(why)
        return _json(self._dialect.error(why))


def _event(item: dict[str, Any]) -> bytes:
    return b"data: " + _json(item) + b"\n\n"


def _json(item: dict[str, Any]) -> bytes:
    # In ASCII: the SDK's client takes some other characters for ends of lines.
    return json.dumps(item, separators=(",", ":")).encode()


def _http_status(why: Close) -> int:
    """What HTTP calls it."""
    ends = {Close.UNAUTHENTICATED: 401, Close.FORBIDDEN: 403, Close.NOT_FOUND: 404}
    return ends.get(why, 503 if why.retryable and why is not Close.FAULT else 500)


def _broken_off(why: Close) -> A2AError:
    said = {
        Close.UNAUTHENTICATED: "Your key or session has ended.",
        Close.FORBIDDEN: "You may not watch this debate any more.",
        Close.NOT_FOUND: "There is no such debate.",
    }
    retry = "The answer broke off. The debate goes on: subscribe to its task, or get it."
    data = {"code": why.name.lower(), "retryable": "true" if why.retryable else "false"}
    return InternalError(said.get(why, retry), data=data)
