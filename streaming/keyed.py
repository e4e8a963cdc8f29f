"""Two doors for a WebSocket: programs bring a key in a header, which no page of a browser can send; browsers bring a
session, and come from the site's own pages."""

from typing import Any

from django.contrib.auth.models import AnonymousUser

from conversations import callers, database
from conversations.errors import Unauthenticated


class ByKey:
    """ASGI middleware: who brings a key goes to one application, everybody else to the other."""

    def __init__(self, programs: Any, others: Any) -> None:
        self._programs = programs
        self._others = others

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        brings = callers.key_in(_headers(scope)) is not None
        return await (self._programs if brings else self._others)(scope, receive, send)


class KeyOwner:
    """ASGI middleware: puts into the scope who brings the key, as `caller` and `user`; nobody where it opens
    nothing."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        try:
            caller = await database.run(callers.of_headers, _headers(scope))
        except Unauthenticated:
            known: dict[str, Any] = {"user": AnonymousUser()}
        else:
            known = {"user": caller.user, "caller": caller}
        return await self._application({**scope, **known}, receive, send)


def _headers(scope: Any) -> dict[str, str]:
    """By lower name; one that is sent twice is joined, as HTTP has it, and then no key."""
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    return headers
