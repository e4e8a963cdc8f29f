"""The protocol bindings of A2A: JSON-RPC of 1.0 and of 0.3, and HTTP+JSON. Each has its own form for a task, an update
and an error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from a2a.compat.v0_3 import conversions
from a2a.compat.v0_3 import types as types_v03
from a2a.server.request_handlers.response_helpers import build_error_response
from a2a.types import Task
from a2a.utils.constants import A2A_JSON_MEDIA_TYPE
from a2a.utils.error_handlers import build_rest_error_payload
from a2a.utils.errors import A2AError, InternalError
from a2a.utils.proto_utils import to_stream_response
from google.protobuf.json_format import MessageToDict

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


class Rest:
    """HTTP+JSON of A2A 1.0: how a client's answers are written, as JSON values."""

    content_type = A2A_JSON_MEDIA_TYPE
    # Whether an answer that broke off has HTTP's own status code.
    has_http_status = True

    def update(self, update: Task | Update) -> dict[str, Any]:
        """The next item of a stream."""
        item: dict[str, Any] = MessageToDict(to_stream_response(update))
        return item

    def whole(self, task: Task, *, is_reply: bool) -> dict[str, Any]:
        """A whole answer; `is_reply`: to a message."""
        whole: dict[str, Any] = MessageToDict(task)
        return {"task": whole} if is_reply else whole

    def error(self, reason: Close) -> dict[str, Any]:
        """The error of a response that broke off: the last item of a stream, or in place of the whole answer."""
        status = reason.http_status
        error = build_rest_error_payload(_broken_off(reason))["error"]
        return {"error": {**error, "code": status, "status": STATUSES.get(status, "INTERNAL")}}


@dataclass(frozen=True)
class Rpc10(Rest):
    """JSON-RPC of A2A 1.0, for the call `id`."""

    id: str | int | None
    content_type = "application/json"
    has_http_status = False

    def update(self, update: Task | Update) -> dict[str, Any]:
        return self._result(super().update(update))

    def whole(self, task: Task, *, is_reply: bool) -> dict[str, Any]:
        return self._result(super().whole(task, is_reply=is_reply))

    def error(self, reason: Close) -> dict[str, Any]:
        return build_error_response(self.id, _broken_off(reason))

    def _result(self, result: dict[str, Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": self.id, "result": result}


class Rpc03(Rpc10):
    """JSON-RPC of A2A 0.3."""

    def update(self, update: Task | Update) -> dict[str, Any]:
        return _dumped(conversions.to_compat_stream_response(to_stream_response(update), self.id))

    def whole(self, task: Task, *, is_reply: bool) -> dict[str, Any]:
        result = conversions.to_compat_task(task)
        return _dumped(types_v03.SendMessageSuccessResponse(id=self.id, result=result))


def _dumped(response: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = response.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def _broken_off(reason: Close) -> A2AError:
    hint = " Subscribe to its task, or get it." if reason.retryable else ""
    data = {"code": reason.name.lower(), "retryable": "true" if reason.retryable else "false"}
    return InternalError(reason.message + hint, data=data)
