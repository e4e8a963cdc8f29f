"""Which other sites' pages may use the doors: by the rules that django-cors-headers has for what Django answers."""

from io import BytesIO
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse


class CrossOrigin:
    """ASGI middleware around what is answered beside Django."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._rules = CorsMiddleware(lambda _: HttpResponse())

    async def __call__(self, scope: Any, receive: Any, send: Any, **found: str) -> None:
        request = ASGIRequest(scope, BytesIO())
        preflight = self._rules.check_preflight(request)
        response = HttpResponse() if preflight is None else preflight
        kept = set(response.headers)
        self._rules.add_response_headers(request, response)
        more = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in response.items()
            if name not in kept
        ]

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        if preflight is None:
            await self._application(scope, receive, sending, **found)
            return
        await sending({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await sending({"type": "http.response.body", "body": b""})
