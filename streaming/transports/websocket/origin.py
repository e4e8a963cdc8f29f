"""Which pages may open a WebSocket: those of this site only.

A browser sends this site's cookies with a WebSocket that any other site's page opens, so the session alone proves
nothing. An API key in a header is accepted from anywhere, because no page can set headers of a WebSocket.
"""

from typing import Any

from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier
from django.conf import settings

from conversations.access import principals
from streaming.watchers.admission import joined_headers


class SameOriginOnly:
    """ASGI middleware: refuses the handshake if the page's host and port differ from the site's, or the host is not in
    ALLOWED_HOSTS. Pages of CSRF_TRUSTED_ORIGINS are allowed."""

    def __init__(self, application: Any) -> None:
        self._programs = application
        self._browsers = AllowedHostsOriginValidator(application)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        headers = joined_headers(scope["headers"])
        if principals.key_in(headers) is not None:
            return await self._programs(scope, receive, send)
        origin, host = headers.get("origin", "").lower(), headers.get("host", "").lower()
        if origin in settings.CSRF_TRUSTED_ORIGINS or (host and origin.partition("://")[2] == host):
            return await self._browsers(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)
