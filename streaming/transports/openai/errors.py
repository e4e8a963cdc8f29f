"""Errors in the format of OpenAI's API, so that its clients classify them, and retry only if no debate was started."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from conversations.domain.errors import (
    InvalidInput,
    LimitReached,
    OutcryError,
    ProviderError,
    StorageFull,
    TooManyRequests,
    Unauthenticated,
)
from streaming.http.endpoint import Fault
from streaming.wire.close_codes import Close

# OpenAI's clients repeat a POST after 408, 409, 429 and 5xx, unless this header forbids it.
NO_RETRY: Final[Mapping[str, str]] = {"x-should-retry": "false"}
# 60 s: OpenAI's clients ignore a longer Retry-After.
MAX_RETRY_SECONDS: Final = 60.0
# Codes of OpenAI's own that clients check for.
_CODES: Final[Mapping[type[OutcryError], str]] = {
    Unauthenticated: "invalid_api_key",
    TooManyRequests: "rate_limit_exceeded",
}


class Unanswered(OutcryError):
    """A debate was started, but its response could not begin. The debate continues."""

    code = "internal"

    def __init__(self, conversation: UUID) -> None:
        super().__init__("The debate continues, but its text cannot be sent. Read it on the site.")
        self.conversation = conversation


@dataclass(frozen=True)
class Failure:
    """A debate that was not completed, or a stream that broke off."""

    http_status: int
    code: str
    message: str

    @property
    def body(self) -> dict[str, Any]:
        return _error(self.message, self.http_status, self.code, None)


FAULT: Final = Failure(500, "internal", "An internal error occurred. The debate continues.")
CANCELLED: Final = Failure(409, "cancelled", "The debate was cancelled.")


def closed(reason: Close) -> Failure:
    """The failure for a stream that was closed before the debate's end."""
    if reason is Close.FAULT:
        return FAULT
    code = "invalid_api_key" if reason is Close.UNAUTHENTICATED else reason.name.lower()
    return Failure(reason.http_status, code, reason.message)


def body(error: OutcryError) -> dict[str, Any]:
    """The error object of a refusal. `param` is the wrong parameter, in OpenAI's notation."""
    param = error.problems[0].field if isinstance(error, InvalidInput) else getattr(error, "param", None)
    code = error.reason if isinstance(error, ProviderError) else _CODES.get(type(error), error.code)
    return _error(error.message, error.http_status, code, param)


def may_be_retried(error: OutcryError) -> bool:
    """Whether no debate was started and the same request may succeed later."""
    if isinstance(error, LimitReached):
        return error.retry_after is not None and error.retry_after <= MAX_RETRY_SECONDS
    # A model's failure is final, too: asked again, it may cost again.
    return (
        not isinstance(error, Unanswered | Fault | StorageFull | ProviderError) and error.http_status >= 500
    )


def _error(message: str, http_status: int, code: str, param: str | None) -> dict[str, Any]:
    if http_status >= 500:
        type_ = "server_error"
    else:
        type_ = "rate_limit_error" if http_status == 429 else "invalid_request_error"
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}
