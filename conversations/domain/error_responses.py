"""How HTTP tells an expected failure: its status stands in the error; here are the body and the headers. Pure."""

import math
from typing import Any

from conversations.domain.errors import (
    Conflict,
    Finished,
    InvalidInput,
    LimitReached,
    OutcryError,
    Unauthenticated,
)


def body(refused: OutcryError) -> dict[str, Any]:
    """`{"code", "message"}`, with "errors" for broken rules, and "status", the conversation's, where that is what
    stands in the way."""
    told: dict[str, Any] = {"code": refused.code, "message": refused.message}
    if isinstance(refused, InvalidInput):
        told["errors"] = [vars(problem) for problem in refused.problems]
    if isinstance(refused, Finished | Conflict):
        told["status"] = refused.status
    return told


def headers(refused: OutcryError) -> list[tuple[str, str]]:
    """When to come again, in whole seconds, where that is known; and how to sign in, where that is missing."""
    if isinstance(refused, LimitReached) and refused.retry_after is not None:
        return [("Retry-After", str(max(1, math.ceil(refused.retry_after))))]
    return [("WWW-Authenticate", "Bearer")] if isinstance(refused, Unauthenticated) else []
