"""Addresses of the WebSockets."""

from typing import Any

from django.conf import settings
from django.urls import path, re_path

from streaming.transports.websocket import ConversationSocket, NoSuchSocket

# The types know only views at the end of a path; Channels routes its applications the same way.
websocket_urlpatterns: list[Any] = [
    path(settings.OUTCRY_WEBSOCKET_PATH, ConversationSocket.as_asgi()),  # type: ignore[arg-type]
    path(f"{settings.OUTCRY_WEBSOCKET_PATH}<str:conversation>/", ConversationSocket.as_asgi()),  # type: ignore[arg-type]
    re_path("", NoSuchSocket.as_asgi()),  # type: ignore[arg-type]
]
