"""The ASGI application: HTTP by Django, WebSockets by Channels, behind the session and the site's own origin."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# First: it loads the applications that the imports below use.
django_application = get_asgi_application()

from config.life import lifespan  # noqa: E402
from streaming.direct import DirectSend  # noqa: E402
from streaming.origin import SameOriginOnly  # noqa: E402
from streaming.routing import websocket_urlpatterns  # noqa: E402
from streaming.turnstile import Turnstile  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "lifespan": lifespan,
        "websocket": DirectSend(
            AllowedHostsOriginValidator(
                SameOriginOnly(Turnstile(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))))
            )
        ),
    }
)
