"""Which pages may open a WebSocket: the site's own, and nobody else's.

A browser sends its cookies along with a WebSocket whatever page opens it, so the session alone proves nothing.
"""

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.conf import settings


class SameOriginOnly:
    """Refuses, in the handshake, what a page of another host or port opens. CSRF_TRUSTED_ORIGINS are let in."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
        if origin in settings.CSRF_TRUSTED_ORIGINS or (host and origin.partition("://")[2] == host):
            return await self._application(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)
