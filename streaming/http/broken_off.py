"""Why a response broke off, in the terms of HTTP clients."""

from collections.abc import Mapping
from typing import Final

from streaming.wire.close_codes import Close

_MESSAGES: Final[Mapping[Close, str]] = {
    Close.UNAUTHENTICATED: "Your key or session has ended. The debate goes on.",
    Close.FORBIDDEN: "You may not watch this debate any more.",
    Close.NOT_FOUND: "There is no such debate.",
    Close.RESTART: "The answer broke off: the server restarts. The debate goes on.",
    Close.SLOW: "The answer broke off: it was read too slowly. The debate goes on.",
    Close.EXPIRED: "The answer broke off: it had lasted as long as one may. The debate goes on.",
}
_STATUSES: Final[Mapping[Close, int]] = {
    Close.UNAUTHENTICATED: 401,
    Close.FORBIDDEN: 403,
    Close.NOT_FOUND: 404,
    Close.FAULT: 500,
}


def message(reason: Close) -> str:
    """A sentence for people."""
    return _MESSAGES.get(reason, "The answer broke off. The debate goes on.")


def http_status(reason: Close) -> int:
    """The status code of a response that had not begun."""
    return _STATUSES.get(reason, 503 if reason.retryable else 500)
