"""Two doors for a WebSocket: programs bring a key in a header, which no page of a browser can send; browsers bring a
session, and come from the site's own pages."""

from typing import Any

from django.contrib.auth.models import AnonymousUser

from conversations.access import principals
from conversations.domain.errors import Unauthenticated
from conversations.infrastructure import database
from streaming.http.request import by_name


class ByKey:
    """ASGI middleware: who brings a key goes to one application, everybody else to the other."""

    def __init__(self, programs: Any, others: Any) -> None:
        self._programs = programs
        self._others = others

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        brings = principals.key_in(by_name(scope["headers"])) is not None
        return await (self._programs if brings else self._others)(scope, receive, send)


class KeyOwner:
    """ASGI middleware: puts into the scope who brings the key, as `caller` and `user`; nobody where it opens
    nothing."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        try:
            caller = await database.call(principals.of_headers, by_name(scope["headers"]))
        except Unauthenticated:
            known: dict[str, Any] = {"user": AnonymousUser()}
        else:
            known = {"user": caller.user, "caller": caller}
        return await self._application({**scope, **known}, receive, send)
