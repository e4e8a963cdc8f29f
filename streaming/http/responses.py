"""Complete HTTP responses, and the headers that every response of a streaming endpoint has."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from starlette import responses
from starlette.datastructures import MutableHeaders


class JSONResponse(responses.JSONResponse):
    """JSON that no cache keeps."""

    def __init__(self, body: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body, status_code, {"cache-control": "no-store", **(headers or {})})

    def render(self, content: Any) -> bytes:
        """The encoded body. Lone surrogates, which an error may repeat from the request, become question marks."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def conversation_header(conversation: UUID) -> dict[str, str]:
    """The header that names the conversation of a response."""
    return {"x-outcry-conversation": str(conversation)}


def add_security_headers(message: Any) -> None:
    """Add to a `http.response.start` message what Django's security middleware adds to its own responses."""
    headers = MutableHeaders(scope=message)
    headers["x-content-type-options"] = "nosniff"
    headers["referrer-policy"] = "same-origin"
    for name, value in settings.OUTCRY_RESPONSE_HEADERS.items():
        headers[name] = value
    if settings.SECURE_HSTS_SECONDS:
        headers["strict-transport-security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
