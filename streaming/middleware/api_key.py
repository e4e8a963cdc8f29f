"""Two doors for a WebSocket: programs bring a key in a header, which no page of a browser can send; browsers bring a
session, and come from the site's own pages."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser

from conversations.access import principals
from conversations.domain.errors import Unauthenticated
from conversations.infrastructure import database


class ByKey:
    """ASGI middleware: who brings a key goes to one application, everybody else to the other."""

    def __init__(self, programs: Any, others: Any) -> None:
        self._programs = programs
        self._others = others

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        brings = principals.key_in(joined_headers(scope["headers"])) is not None
        return await (self._programs if brings else self._others)(scope, receive, send)


class KeyOwner:
    """ASGI middleware: puts into the scope who brings the key, as `caller` and `user`; nobody where it opens
    nothing."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        try:
            caller = await database.call(principals.of_headers, joined_headers(scope["headers"]))
        except Unauthenticated:
            known: dict[str, Any] = {"user": AnonymousUser()}
        else:
            known = {"user": caller.user, "caller": caller}
        return await self._application({**scope, **known}, receive, send)


def joined_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name. Values of a repeated header are joined by a comma (RFC 9110), so two API keys match
    none."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
