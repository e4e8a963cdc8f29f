"""The ASGI application: HTTP by Django; WebSockets by Channels, behind a key, or a session and the site's origin."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# First: it loads the applications that the imports below use.
try:
    django_application = get_asgi_application()
except ImproperlyConfigured as wrong:
    # For the servers that load this: their words would be a traceback.
    raise SystemExit(f"Outcry does not start. {wrong}") from None

from config.observability.tracing import traced
from config.process.lifespan import lifespan
from streaming.away import RetryLater
from streaming.direct import DirectSend
from streaming.entrances import Doors
from streaming.keyed import ByKey, KeyOwner
from streaming.origin import SameOriginOnly
from streaming.paced import Paced
from streaming.routing import http_doors, websocket_urlpatterns
from streaming.turnstile import Turnstile

_addresses = URLRouter(websocket_urlpatterns())
_inside = Turnstile(RetryLater(ByKey(KeyOwner(_addresses), AuthMiddlewareStack(_addresses))))

application = traced(
    ProtocolTypeRouter(
        {
            "http": Paced(Doors(http_doors(), django_application)),
            "lifespan": lifespan,
            "websocket": DirectSend(ByKey(_inside, AllowedHostsOriginValidator(SameOriginOnly(_inside)))),
        }
    )
)
