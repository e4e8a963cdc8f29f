"""Middleware that answers probes before the other middlewares: load balancers and Prometheus address a process by its
IP address instead of the site's name, without https if the proxy terminates it, and without a session."""

from collections.abc import Awaitable, Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware

from streaming.monitoring import health, prometheus

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})

View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@async_only_middleware
def probes(get_response: View) -> View:
    """Has to be the first in MIDDLEWARE."""

    async def answer(request: HttpRequest) -> HttpResponseBase:
        match request.path_info:
            case "/healthz":
                return await health.healthz(request)
            case "/readyz":
                return await health.readyz(request)
            case "/metrics" if prometheus.enabled():
                return await prometheus.scrape(request)
        return await get_response(request)

    return answer
