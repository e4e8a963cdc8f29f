"""The exceptions that callers handle. An operation that raises one of them has stored and reserved nothing.

OutcryError                 code, and a sentence for a person
|-- InvalidInput            values are invalid
|   |-- TooLongForModel     content and sources are more than the model can be given
|   |-- QueryRefused        a query is not allowed, or fails
|   `-- QueryStopped        a query takes too much time or memory
|-- LimitReached            of messages to a debate, API keys, or today's costs
|   |-- Busy                of running debates
|   `-- TooManyRequests     a rate limit is exceeded
|-- OverBudget              another call to a model would exceed a limit, which the message names
|-- Unauthenticated         no valid session or API key
|   `-- SecondFactorMissing the site requires a second factor, which was not given
|-- NotFound                does not exist, or is not visible to the user
|-- Forbidden               the user may not do this, though they may see the object
|   |-- ScopeMissing        the API key lacks the scope, which the message names
|   |-- OtherAddress        the invitation is to another mail address
|   `-- NotReauthenticated  the session's user has to give their password or second factor once more
|-- MembershipConflict      the change contradicts who is in the organisation, such as that its last owner leaves
|-- InvitationGone          an invitation was used before, has expired, or was withdrawn
|-- KeyExpired              the API key has expired: it can only be revoked
|-- Outdated                somebody has changed the object since the caller has read it
|-- NotErasable             a person or debate must not be deleted, or not yet; nothing was deleted
|-- Conflict                contradicts the log: a question is closed, or an idempotency key was used differently
|   `-- Finished            the conversation has ended
|-- Fenced                  the run does not own the conversation; the append stored nothing
|-- LogUnavailable          the database cannot be read or written
|   `-- StorageFull         the server's disk is full
`-- ProviderError           a model's provider failed
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


class OutcryError(Exception):
    """An expected failure. `code` is stable, `message` is a sentence for a person, and `http_status` is the status of
    an HTTP response."""

    code = "error"
    http_status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Problem:
    """One broken rule. `field` is the caller's name of the value; `rule` is stable."""

    field: str
    rule: str
    message: str


class InvalidInput(OutcryError):
    code = "invalid"
    http_status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = problems

    @classmethod
    def of(cls, field: str, rule: str, message: str) -> Self:
        """The error for a single broken rule."""
        return cls([Problem(field, rule, message)])


class TooLongForModel(InvalidInput):
    code = "too_long_for_model"


class QueryRefused(InvalidInput):
    code = "query_refused"


class QueryStopped(InvalidInput):
    code = "query_stopped"


class LimitReached(OutcryError):
    """`retry_after` is the number of seconds until the next attempt may succeed, or None if that is unknown."""

    code = "limit_reached"
    http_status = 429

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Busy(LimitReached):
    """The person has as many debates running as may run at once: `running`, each as {"id", "topic", "status", "url"},
    oldest first."""

    def __init__(self, message: str, running: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(message)
        self.running = running


class TooManyRequests(LimitReached):
    code = "too_many_requests"


class OverBudget(OutcryError):
    code = "budget"
    http_status = 402


class Unauthenticated(OutcryError):
    code = "unauthenticated"
    http_status = 401


class SecondFactorMissing(Unauthenticated):
    """The site requires a second factor: of the session, which was opened without one, or of the API key's owner."""

    code = "second_factor_required"


class NotFound(OutcryError):
    code = "not_found"
    http_status = 404


class Forbidden(OutcryError):
    code = "forbidden"
    http_status = 403


class ScopeMissing(Forbidden):
    code = "scope_missing"


class NotReauthenticated(Forbidden):
    code = "reauthentication_required"


class OtherAddress(Forbidden):
    """The invitation is to a mail address that is not a confirmed one of the user's."""

    code = "other_address"


class MembershipConflict(OutcryError):
    """The change contradicts who is in the organisation: the person is a member already, or the last owner."""

    http_status = 409

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class InvitationGone(OutcryError):
    code = "invitation_gone"
    http_status = 410


class KeyExpired(OutcryError):
    code = "key_expired"
    http_status = 409


class NotErasable(OutcryError):
    code = "not_erasable"
    http_status = 409


class Outdated(OutcryError):
    code = "outdated"
    http_status = 409


class Conflict(OutcryError):
    """`status` is the conversation's."""

    code = "conflict"
    http_status = 409

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status


class Finished(Conflict):
    code = "finished"


class Fenced(OutcryError):
    code = "fenced"


class LogUnavailable(OutcryError):
    code = "log_unavailable"
    http_status = 503


class StorageFull(LogUnavailable):
    code = "storage_full"


class ProviderError(OutcryError):
    """`reason` is a stable code; `retry_after` is the number of seconds that the provider asked to wait, or None."""

    code = "provider_failed"

    def __init__(
        self, reason: str, message: str, *, retryable: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after


def error_body(error: OutcryError) -> dict[str, Any]:
    """The body of an HTTP response: `{"code", "message"}`; also "errors" for InvalidInput, "status" (the
    conversation's) for Conflict, and "running" for Busy."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if isinstance(error, InvalidInput):
        body["errors"] = [vars(problem) for problem in error.problems]
    if isinstance(error, Conflict):
        body["status"] = error.status
    if isinstance(error, Busy):
        body["running"] = error.running
    return body


def error_headers(error: OutcryError) -> dict[str, str]:
    """Headers of an HTTP response: Retry-After in whole seconds, if it is known; WWW-Authenticate for
    Unauthenticated."""
    if isinstance(error, LimitReached) and error.retry_after is not None:
        return {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}
