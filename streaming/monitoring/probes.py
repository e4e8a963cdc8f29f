"""Middleware that answers probes before the other middlewares: load balancers and Prometheus address a process by its
IP address instead of the site's name, without https if the proxy terminates it, and without a session."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

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


@sync_and_async_middleware
def probes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Has to be the first in MIDDLEWARE."""
    if iscoroutinefunction(get_response):

        async def answer(request: HttpRequest) -> HttpResponseBase:
            view = _view(request)
            response: HttpResponseBase = await (view or get_response)(request)
            return response

        return answer

    def answer_in_a_thread(request: HttpRequest) -> HttpResponseBase:
        view = _view(request)
        response: HttpResponseBase = (async_to_sync(view) if view else get_response)(request)
        return response

    return answer_in_a_thread
