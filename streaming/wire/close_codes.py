"""Why a server closes a WebSocket."""

from enum import IntEnum


class Close(IntEnum):
    """1000: the conversation has ended and all of it was sent. 44xx are final: coming back changes nothing.
    45xx are not: come back with the cursor."""

    ENDED = 1000
    # The client's frame or address broke the protocol.
    BAD_REQUEST = 4400
    # Not signed in, or not any more; a key that opens nothing, or not any more.
    UNAUTHENTICATED = 4401
    # They were watching, and may not any more; or their key is not for watching.
    FORBIDDEN = 4403
    # No such conversation, or not theirs: nobody is told which.
    NOT_FOUND = 4404
    TOO_LARGE = 4413
    FAULT = 4500
    # The server stops, and another one starts.
    RESTART = 4501
    # A client that had said what it took fell silent for two heartbeats.
    HEARTBEAT_MISSED = 4502
    # The client took the words more slowly than they came, for too long.
    SLOW = 4503
    # Nothing was asked for, or the stream was paused, for too long.
    IDLE = 4504
    # No connection lasts for ever.
    EXPIRED = 4505
    # The database is away, and nobody can say who may watch.
    UNAVAILABLE = 4506

    @property
    def retryable(self) -> bool:
        """Whether coming back with the cursor goes on from there."""
        return self >= Close.FAULT
