"""Which pages may open a WebSocket: those of this site only.

A browser sends this site's cookies with a WebSocket that any other site's page opens, so the session alone proves
nothing. An API key in a header is accepted from anywhere, because no page can set headers of a WebSocket.
"""

from collections.abc import Mapping
from typing import Any

from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier
from django.conf import settings

from conversations.access import principals
from streaming.watchers.admission import joined_headers


class SameOriginOnly:
    """ASGI middleware: refuses the handshake if the page's scheme, host or port differs from the site's, or the host is
    not in ALLOWED_HOSTS. Pages of CSRF_TRUSTED_ORIGINS are allowed."""

    def __init__(self, application: Any) -> None:
        self._programs = application
        self._browsers = AllowedHostsOriginValidator(application)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        headers = joined_headers(scope["headers"])
        scheme = "https" if _is_secure(scope, headers) else "http"
        if principals.key_in(headers) is not None:
            return await self._programs(scope, receive, send)
        origin, host = headers.get("origin", "").lower(), headers.get("host", "").lower()
        if origin in settings.CSRF_TRUSTED_ORIGINS or (host and origin == f"{scheme}://{host}"):
            return await self._browsers(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)


def _is_secure(scope: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Whether the page was opened by https, as Django's `request.is_secure()` decides it."""
    if settings.SECURE_PROXY_SSL_HEADER is not None:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        forwarded = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower())
        if forwarded is not None:
            return forwarded.split(",")[0].strip() == secure
    return bool(scope.get("scheme") == "wss")
