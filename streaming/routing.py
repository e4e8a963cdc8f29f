"""Addresses of the transports, of those that are on."""

from typing import Any

from django.conf import settings
from django.urls import path, re_path

from streaming.http.cors import CrossOrigin
from streaming.http.endpoint import Endpoint
from streaming.transports.agui import endpoint as agui
from streaming.transports.openai import endpoint as openai
from streaming.transports.sse import endpoint as sse
from streaming.transports.websocket.consumer import ConversationSocket, NoSuchSocket


def websocket_urlpatterns() -> list[Any]:
    """For Channels' router."""
    nowhere: Any = NoSuchSocket.as_asgi()
    if "websocket" not in settings.OUTCRY_TRANSPORTS:
        return [re_path("", nowhere)]
    socket: Any = ConversationSocket.as_asgi()
    return [
        path(settings.OUTCRY_WEBSOCKET_PATH, socket),
        path(f"{settings.OUTCRY_WEBSOCKET_PATH}<str:conversation>/", socket),
        re_path("", nowhere),
    ]


def http_routes() -> list[tuple[str, Any]]:
    """For `Endpoints`."""
    if settings.OUTCRY_CORS_ORIGINS:
        return [(address, CrossOrigin(door)) for address, door in doors()]
    return [*doors()]


def doors() -> list[tuple[str, Endpoint]]:
    """Those that are on, each with the regular expression of its address."""
    doors: list[tuple[str, Endpoint]] = []
    if "sse" in settings.OUTCRY_TRANSPORTS:
        doors += sse.doors()
    if "openai" in settings.OUTCRY_TRANSPORTS:
        doors += openai.doors()
    if "agui" in settings.OUTCRY_TRANSPORTS:
        doors += agui.doors()
    if "a2a" in settings.OUTCRY_TRANSPORTS:
        # Only here: its types and their server take half a second to load.
        from streaming.transports.a2a import endpoint as a2a

        doors += a2a.doors()
    return doors
