"""Bounds the bodies of requests that Django answers. Django itself writes a whole body to a temporary file before any
view is asked, so anybody could fill the disk."""

from typing import Any, Final

from django.conf import settings
from starlette.types import Message, Receive, Scope, Send

from conversations.domain.enums import Scope as ApiScope
from conversations.domain.errors import OutcryError, error_body, error_headers
from conversations.domain.sources import MAX_FILE_BYTES
from streaming.http.request import Request, TooLarge
from streaming.http.responses import JSONResponse, add_security_headers

# Bytes of the forms of pages.
MAX_BODY: Final = 3 * 1024 * 1024
# Bytes of a request to the API: those that Django reads into memory, and a little more, so that a body that is only a
# little too large is refused by Django, in the API's format.
MAX_API_BODY: Final[int] = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1024 * 1024
# What an upload may have more than the largest file: a file that is only a little too large is refused by its name.
MORE: Final = 2 * 1024 * 1024
MAX_UPLOAD: Final = MAX_FILE_BYTES + MORE
SOURCES: Final = "/api/sources/"
DATASETS: Final = "/api/datasets/"
UPLOADS: Final = frozenset((SOURCES, DATASETS))


def most(path: str) -> int:
    """Bytes that the body of a request to this path may have."""
    if path == SOURCES:
        return MAX_UPLOAD
    if path == DATASETS:
        return int(settings.OUTCRY_MAX_DATASET_MB) * 1024 * 1024 + MORE
    return MAX_API_BODY if path.startswith("/api/") else MAX_BODY


class BoundedBody:
    """ASGI middleware: answers 413 to a body of more than `most` bytes, and keeps nothing of it. The answer comes after
    the last byte, because most clients read no response before they have sent everything.

    Nothing of an upload is kept either from a client that may not start debates."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        refusal = await _refusal(scope, receive, send) if path in UPLOADS else None
        size, limit = 0, most(path) if refusal is None else 0

        async def receive_bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            while size > limit:
                if not message.get("more_body"):
                    # Django closes its temporary file, and calls no view.
                    return {"type": "http.disconnect"}
                message = await receive()
            return message

        await self._application(scope, receive_bounded, send)
        if size > limit:
            await self._refuse(refusal or TooLarge("The body is too large."), scope, receive, send)

    async def _refuse(self, refusal: OutcryError, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_security_headers(message)
            await send(message)

        response = JSONResponse(error_body(refusal), refusal.http_status, error_headers(refusal))
        await response(scope, receive, send_with_headers)


async def _refusal(scope: Scope, receive: Receive, send: Send) -> OutcryError | None:
    """Why the client may not upload anything; None if it may."""
    try:
        await Request(scope, receive, send).authenticate(ApiScope.START)
    except OutcryError as refusal:
        return refusal
    return None
