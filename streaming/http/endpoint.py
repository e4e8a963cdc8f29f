"""The base of the HTTP endpoints beside Django: shared checks, and error responses."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conversations.domain.errors import OutcryError, error_body, error_headers
from streaming.http.request import Request
from streaming.http.responses import JSONResponse, add_security_headers

logger = structlog.get_logger(__name__)

Handler = Callable[[Request], Awaitable[ASGIApp]]
_METHODS: Final = ("DELETE", "GET", "HEAD", "POST")


class MethodNotAllowed(OutcryError):
    """The endpoint does not support the request's method."""

    code = "method_not_allowed"
    http_status = 405


class Fault(OutcryError):
    """A defect of this server; its log has the exception."""

    code = "internal"
    http_status = 500


class Endpoint:
    """ASGI application for one address.

    1. The body is read whole (TooLarge), then host, https and method are checked.
    2. The handler, a method named as the HTTP method in lower case, returns the response, an ASGI application.
    3. The response is sent. An exception before its first message becomes the transport's own error response; a later
       exception is raised, so that the server drops the connection.
    """

    @property
    def methods(self) -> list[str]:
        """The HTTP methods that have a handler, in alphabetical order."""
        return [method for method in _METHODS if hasattr(self, method.lower())]

    def error_body(self, error: OutcryError, body: bytes) -> Any:
        """The error as JSON. `body` is the request's body, empty if it was not read."""
        return error_body(error)

    def error_headers(self, error: OutcryError) -> dict[str, str]:
        """Headers that the transport adds to an error response."""
        return {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        body, has_begun = b"", False

        async def send_response(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                add_security_headers(message)
            await send(message)

        try:
            body = await request.body()
            request.require_host()
            request.require_https()
            response = await self._handler(request)(request)
            await response(scope, receive, send_response)
        except ClientDisconnect:
            return
        except Exception as failure:
            if has_begun:
                raise
            response = self._refusal(expected(failure, path=scope["path"]), body)
            await response(scope, receive, send_response)

    def _handler(self, request: Request) -> Handler:
        if request.method not in self.methods:
            raise MethodNotAllowed(f"Use {' or '.join(self.methods)} here.")
        handler: Handler = getattr(self, request.method.lower())
        return handler

    def _refusal(self, error: OutcryError, body: bytes) -> JSONResponse:
        headers = {**self.error_headers(error), **error_headers(error)}
        if isinstance(error, MethodNotAllowed):
            headers["allow"] = ", ".join(self.methods)
        return JSONResponse(self.error_body(error, body), error.http_status, headers)


def expected(failure: Exception, event: str = "door_failed", **context: str) -> OutcryError:
    """The failure as an error for the client. An unexpected one is logged as `event`, with the context, and becomes a
    Fault without details."""
    if isinstance(failure, OutcryError):
        return failure
    logger.error(event, exc_info=failure, **context)
    return Fault("An internal error occurred.")
