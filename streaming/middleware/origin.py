"""Which pages may open a WebSocket: the site's own, and nobody else's.

A browser sends its cookies along with a WebSocket whatever page opens it, so the session alone proves nothing. Programs
bring an API key in a header, which no page of a browser can send: they may come from anywhere.
"""

from typing import Any

from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier
from django.conf import settings

from conversations.access import principals
from streaming.watchers.admission import joined_headers


class SameOriginOnly:
    """ASGI middleware: refuses, in the handshake, what a page of another host or port opens, or of a host that is not
    in ALLOWED_HOSTS. Pages of CSRF_TRUSTED_ORIGINS are let in."""

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
