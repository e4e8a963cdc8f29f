"""The protocol bindings of A2A: JSON-RPC of 1.0 and of 0.3, and HTTP+JSON. Each has its own form for a task, an update
and an error."""

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

from streaming.http import broken_off
from streaming.transports.a2a.task import Update
from streaming.wire.close_codes import Close

# The names of HTTP's status codes in the errors of HTTP+JSON.
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


class Binding(Protocol):
    """How a client's answers are written, as JSON values."""

    content_type: str

    def update(self, update: Task | Update) -> dict[str, Any]:
        """The next item of a stream."""

    def whole(self, task: Task, *, is_reply: bool) -> dict[str, Any]:
        """A whole answer; `is_reply`: to a message."""

    def error(self, reason: Close) -> dict[str, Any]:
        """The error of a response that broke off: the last item of a stream, or in place of the whole answer."""


@dataclass(frozen=True)
class Rpc10:
    """JSON-RPC of A2A 1.0, for the call `id`."""

    id: str | int | None
    content_type = "application/json"

    def update(self, update: Task | Update) -> dict[str, Any]:
        return self._result(Rest().update(update))

    def whole(self, task: Task, *, is_reply: bool) -> dict[str, Any]:
        return self._result(Rest().whole(task, is_reply=is_reply))

    def error(self, reason: Close) -> dict[str, Any]:
        return build_error_response(self.id, _broken_off(reason))

    def _result(self, result: dict[str, Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": self.id, "result": result}


@dataclass(frozen=True)
class Rpc03:
    """JSON-RPC of A2A 0.3."""

    id: str | int | None
    content_type = "application/json"

    def update(self, update: Task | Update) -> dict[str, Any]:
        return _dumped(conversions.to_compat_stream_response(to_stream_response(update), self.id))

    def whole(self, task: Task, *, is_reply: bool) -> dict[str, Any]:
        result = conversions.to_compat_task(task)
        return _dumped(types_v03.SendMessageSuccessResponse(id=self.id, result=result))

    def error(self, reason: Close) -> dict[str, Any]:
        return build_error_response(self.id, _broken_off(reason))


class Rest:
    """HTTP+JSON of A2A 1.0."""

    content_type = A2A_JSON_MEDIA_TYPE

    def update(self, update: Task | Update) -> dict[str, Any]:
        item: dict[str, Any] = MessageToDict(to_stream_response(update))
        return item

    def whole(self, task: Task, *, is_reply: bool) -> dict[str, Any]:
        whole: dict[str, Any] = MessageToDict(task)
        return {"task": whole} if is_reply else whole

    def error(self, reason: Close) -> dict[str, Any]:
        status = broken_off.http_status(reason)
        error = build_rest_error_payload(_broken_off(reason))["error"]
        return {"error": {**error, "code": status, "status": STATUSES.get(status, "INTERNAL")}}


def _dumped(response: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = response.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def _broken_off(reason: Close) -> A2AError:
    hint = " Subscribe to its task, or get it." if reason.retryable else ""
    data = {"code": reason.name.lower(), "retryable": "true" if reason.retryable else "false"}
    return InternalError(broken_off.message(reason) + hint, data=data)
