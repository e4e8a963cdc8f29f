"""Middleware that answers probes before the other middlewares: load balancers and Prometheus address a process by its
IP address instead of the site's name, without https if the proxy terminates it, and without a session."""

from collections.abc import Awaitable, Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware

from streaming.monitoring import health, prometheus

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})

View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def _view(request: HttpRequest) -> View | None:
    match request.path_info:
        case "/healthz":
            return health.healthz
        case "/readyz":
            return health.readyz
        case "/metrics" if prometheus.enabled():
            return prometheus.scrape
    return None


@async_only_middleware
def probes(get_response: View) -> View:
    """Has to be the first in MIDDLEWARE."""

    async def answer(request: HttpRequest) -> HttpResponseBase:
        return await (_view(request) or get_response)(request)

    return answer
