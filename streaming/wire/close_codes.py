"""Why a server closes a WebSocket."""

from enum import IntEnum


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

    @property
    def retryable(self) -> bool:
        """Whether the client can reconnect with its cursor."""
        return self >= Close.FAULT
