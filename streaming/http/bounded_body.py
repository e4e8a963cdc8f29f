"""Bounds the bodies of requests that Django answers. Django itself writes a whole body to a temporary file before any
view is asked, so anybody could fill the disk."""

from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from streaming.http.responses import JSONResponse, add_security_headers

# Bytes of the forms of pages.
MAX_BODY: Final = 3 * 1024 * 1024
# Bytes of a request to the API: those that Django reads into memory (DATA_UPLOAD_MAX_MEMORY_SIZE), and a little more,
# so that a body that is only a little too large is refused by Django, in the API's format.
MAX_API_BODY: Final = 9 * 1024 * 1024


def most(path: str) -> int:
    """Bytes that the body of a request to this path may have."""
    return MAX_API_BODY if path.startswith("/api/") else MAX_BODY


class BoundedBody:
    """ASGI middleware: answers 413 to a body of more than `most` bytes, and keeps nothing of it. The answer comes after
    the last byte, because most clients read no response before they have sent everything."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, limit = 0, most(scope.get("path", ""))

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
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_security_headers(message)
            await send(message)

        body = {"code": "too_large", "message": "The body is too large."}
        await JSONResponse(body, 413)(scope, receive, send_with_headers)
