"""Routes of the transports that are enabled."""

from typing import Any

from django.conf import settings
from django.urls import path, re_path
from starlette.routing import Route, Router

from streaming.http.cors import CrossOrigin
from streaming.transports.agui import endpoint as agui
from streaming.transports.openai import endpoint as openai
from streaming.transports.sse import endpoint as sse
from streaming.transports.websocket.consumer import ConversationSocket, NoSuchSocket


def websocket_urlpatterns() -> list[Any]:
    """The WebSocket routes, for Channels' router."""
    nowhere: Any = NoSuchSocket.as_asgi()
    if "websocket" not in settings.OUTCRY_TRANSPORTS:
        return [re_path("", nowhere)]
    socket: Any = ConversationSocket.as_asgi()
    return [
        path(settings.OUTCRY_WEBSOCKET_PATH, socket),
        path(f"{settings.OUTCRY_WEBSOCKET_PATH}<str:conversation>/", socket),
        re_path("", nowhere),
    ]


def http_router(otherwise: Any) -> Router:
    """The HTTP endpoints, with CORS if other sites are allowed. All other addresses go to the application
    `otherwise`."""
    routes = endpoint_routes()
    if settings.OUTCRY_CORS_ORIGINS:
        routes = [Route(route.path, CrossOrigin(route.endpoint)) for route in routes]
    return Router(routes, redirect_slashes=False, default=otherwise)


def endpoint_routes() -> list[Route]:
    """The HTTP endpoints of the transports that are on."""
    endpoints = {"sse": sse, "openai": openai, "agui": agui}
    if "a2a" in settings.OUTCRY_TRANSPORTS:
        # Imported here because its types and their server take half a second to load.
        from streaming.transports.a2a import endpoint as a2a

        endpoints["a2a"] = a2a
    enabled = [module for name, module in endpoints.items() if name in settings.OUTCRY_TRANSPORTS]
    return [route for module in enabled for route in module.routes()]
