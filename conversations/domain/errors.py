"""What can go wrong, for callers to tell apart.

OutcryError                 code, and a sentence fit for a person
|-- InvalidInput            values break rules
|-- LimitReached            there is as much of it as is allowed
|   `-- TooManyRequests     they come faster than is allowed
|-- OverBudget              another call to a model would pass a limit
|-- Unauthenticated         nobody knows who asks
|-- NotFound                unknown, or not theirs: nobody is told which
|-- Forbidden               they may not do this
|   `-- ScopeMissing        their key is not for this
|-- KeyExpired              that key has had its time
|-- Finished                it has ended: nothing is done to it any more
|-- Conflict                at odds with what stands in the log
|-- Fenced                  this run lost the conversation to another
|-- LogUnavailable          the log could not be written
|   `-- StorageFull         the server's disk is full
`-- ProviderError           a model did not answer properly
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class OutcryError(Exception):
    """An expected failure. `code` is stable; `message` is a sentence for a person; `http_status` is what HTTP says."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Problem:
    """One broken rule. `field` names the value as the caller does; `rule` is stable."""

    field: str
    rule: str
    message: str


class InvalidInput(OutcryError):
    """Some values break rules; nothing was stored."""

    code = "invalid"
    http_status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = problems


class LimitReached(OutcryError):
    """As many debates run, or as much was said to one, or spent today, as is allowed. `retry_after` are the seconds
    until there is room again; None where nobody knows."""

    code = "limit_reached"
    http_status = 429

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyRequests(LimitReached):
    """One person asks for it faster than is allowed."""

    code = "too_many_requests"


class OverBudget(OutcryError):
    """Another call to a model would pass a limit; nothing was set aside for it. The message names the limit."""

    code = "budget"
    http_status = 402


class Unauthenticated(OutcryError):
    """Nobody is signed in (any more), and there is no key that opens anything."""

    code = "unauthenticated"
    http_status = 401


class NotFound(OutcryError):
    """There is no such conversation, or key, for this person."""

    code = "not_found"
    http_status = 404


class Forbidden(OutcryError):
    """The person may not do this: for one, to a conversation that they may watch."""

    code = "forbidden"
    http_status = 403


class ScopeMissing(Forbidden):
    """The key has not the scope for this; the message names it."""

    code = "scope_missing"


class KeyExpired(OutcryError):
    """Nothing is done to an API key that has expired, other than taking it away."""

    code = "key_expired"
    http_status = 409


class Finished(OutcryError):
    """The conversation has ended, with `status`; nothing was stored."""

    code = "finished"
    http_status = 409

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status


class Conflict(OutcryError):
    """At odds with what is stored: a question that is open no more, or a key that was used for something else.
    Nothing was stored; `status` is the conversation's."""

    code = "conflict"
    http_status = 409

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status


class Fenced(OutcryError):
    """Another run owns the conversation; the append stored nothing."""

    code = "fenced"


class LogUnavailable(OutcryError):
    """The database refused the append; nothing of it was stored."""

    code = "log_unavailable"
    http_status = 503


class StorageFull(LogUnavailable):
    """The server's disk is full; nothing was stored."""

    code = "storage_full"


class ProviderError(OutcryError):
    """A model's provider failed. `reason` is a stable code; `retry_after` are the seconds it asked to wait, or None."""

    code = "provider_failed"

    def __init__(
        self, reason: str, message: str, *, retryable: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after


def error_body(error: OutcryError) -> dict[str, Any]:
    """The body of an HTTP response: `{"code", "message"}`, with "errors" for broken rules, and "status", the
    conversation's, where that is what stands in the way."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if isinstance(error, InvalidInput):
        body["errors"] = [vars(problem) for problem in error.problems]
    if isinstance(error, Finished | Conflict):
        body["status"] = error.status
    return body


def error_headers(error: OutcryError) -> dict[str, str]:
    """Headers of an HTTP response: when to come again, in whole seconds, where that is known; how to sign in."""
    if isinstance(error, LimitReached) and error.retry_after is not None:
        return {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}
