"""Why the server closes a WebSocket, or breaks off an HTTP response."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class Close(IntEnum):
    """1000: the conversation has ended and all of it was sent. 44xx: final, a reconnect would fail in the same way.
    45xx: temporary, reconnect with the cursor."""

    ENDED = 1000
    # The client's frame or address broke the protocol.
    BAD_REQUEST = 4400
    # Not signed in, or no longer; or the API key is not valid, or no longer.
    UNAUTHENTICATED = 4401
    # The user may no longer watch this conversation; or the API key lacks the scope.
    FORBIDDEN = 4403
    # The conversation does not exist, or the user may not watch it; the code does not reveal which.
    NOT_FOUND = 4404
    TOO_LARGE = 4413
    # The client sent frames faster than it may.
    TOO_MANY_FRAMES = 4429
    FAULT = 4500
    # The server is stopping, and another one takes over.
    RESTART = 4501
    # A client that acknowledges events was silent for two heartbeats.
    HEARTBEAT_MISSED = 4502
    # The client made no progress for too long.
    SLOW = 4503
    # The client watched nothing, or paused its stream, for too long.
    IDLE = 4504
    # The connection reached its maximum age.
    EXPIRED = 4505
    # The database is unavailable, so permissions cannot be checked.
    UNAVAILABLE = 4506
    # The user has as many connections as are allowed at once, or opens them faster than allowed.
    TOO_MANY_CONNECTIONS = 4507

    @property
    def retryable(self) -> bool:
        """Whether the client can reconnect with its cursor."""
        return self >= Close.FAULT

    @property
    def message(self) -> str:
        """Why an HTTP response was interrupted, as a sentence for people."""
        return _MESSAGES.get(self, "The response was interrupted. The debate continues.")

    @property
    def http_status(self) -> int:
        """The status code of a response that had not begun."""
        return _STATUSES.get(self, 503 if self.retryable else 500)


_MESSAGES: Final[Mapping[Close, str]] = {
    Close.UNAUTHENTICATED: "Your API key or session has ended. The debate continues.",
    Close.FORBIDDEN: "You may not watch this debate any more.",
    Close.NOT_FOUND: "There is no such debate.",
    Close.RESTART: "The response was interrupted because the server is restarting. The debate continues.",
    Close.SLOW: "The response was interrupted because it was read too slowly. The debate continues.",
    Close.EXPIRED: "The response was interrupted because it reached the maximum duration. The debate continues.",
}
_STATUSES: Final[Mapping[Close, int]] = {
    Close.UNAUTHENTICATED: 401,
    Close.FORBIDDEN: 403,
    Close.NOT_FOUND: 404,
    Close.FAULT: 500,
}
