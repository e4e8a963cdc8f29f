"""Why a server closes a WebSocket."""

from enum import IntEnum


class Close(IntEnum):
    """1000: the conversation has ended and all of it was sent. 44xx are final: coming back changes nothing.
    45xx are not: come back with the cursor."""

    ENDED = 1000
    BAD_REQUEST = 4400
    UNAUTHENTICATED = 4401
    NOT_FOUND = 4404
    TOO_LARGE = 4413
    FAULT = 4500
