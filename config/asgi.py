"""The ASGI application: HTTP by Django and the streaming endpoints, WebSockets by Channels, and the lifespan."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Before the imports below, which need the loaded applications.
try:
    django_application = get_asgi_application()
except ImproperlyConfigured as wrong:
    # One line instead of a traceback.
    raise SystemExit(f"Outcry does not start. {wrong}") from None

from config.observability.tracing import traced
from config.process.lifespan import lifespan
from streaming.http.bounded_body import BoundedBody
from streaming.http.direct_send import DirectSend
from streaming.routing import http_router, websocket_urlpatterns
from streaming.transports.websocket.origin import SameOriginOnly

# Nothing outside DirectSend may wrap the server's `send`, because that would hide its connection.
application = DirectSend(
    traced(
        ProtocolTypeRouter(
            {
                "http": http_router(BoundedBody(django_application)),
                "lifespan": lifespan,
                "websocket": SameOriginOnly(URLRouter(websocket_urlpatterns())),
            }
        )
    )
)
