"""The ASGI application: HTTP by Django; WebSockets by Channels, behind a key, or a session and the site's origin."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# First: it loads the applications that the imports below use.
django_application = get_asgi_application()

from config.life import lifespan  # noqa: E402
from streaming.away import RetryLater  # noqa: E402
from streaming.direct import DirectSend  # noqa: E402
from streaming.entrances import Doors  # noqa: E402
from streaming.keyed import ByKey, KeyOwner  # noqa: E402
from streaming.origin import SameOriginOnly  # noqa: E402
from streaming.paced import Paced  # noqa: E402
from streaming.routing import http_doors, websocket_urlpatterns  # noqa: E402
from streaming.turnstile import Turnstile  # noqa: E402

_addresses = URLRouter(websocket_urlpatterns())
_inside = Turnstile(RetryLater(ByKey(KeyOwner(_addresses), AuthMiddlewareStack(_addresses))))

application = ProtocolTypeRouter(
    {
        "http": Paced(Doors(http_doors(), django_application)),
        "lifespan": lifespan,
        "websocket": DirectSend(ByKey(_inside, AllowedHostsOriginValidator(SameOriginOnly(_inside)))),
    }
)
