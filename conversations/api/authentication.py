"""Who may call an operation of the HTTP API: `auth=needs("watch")`, or `auth=session_only()`.

A key goes first: who sends a wrong one is refused, whatever cookies come along.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from ninja.security import SessionAuth
from ninja.security.base import AuthBase

from conversations.access import principals
from conversations.access.principals import Principal
from conversations.domain.errors import Forbidden
from conversations.infrastructure import database

Auth = Callable[[HttpRequest], Any]


class SignedIn(HttpRequest):
    """A request that was let in. `auth` is the caller's user; `user` may be somebody else, by a cookie."""

    auth: AbstractUser
    caller: Principal


class _Key(AuthBase):
    is_async = True

    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope
        self.is_async = True

    async def __call__(self, request: HttpRequest) -> AbstractUser | None:
        if principals.key_in(request.headers) is None:
            return None
        caller = await database.call(principals.of_headers, request.headers)
        caller.require(self._scope)
        request.caller = caller  # type: ignore[attr-defined]
        return caller.user


# The names of these classes are those of the schemes in the OpenAPI document.


class BearerKey(_Key):
    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = (
        "An API key, as `Authorization: Bearer oc_...`. Its scopes: `watch` reads, `start` starts and estimates"
        " debates, `control` commands them and speaks in them."
    )


class HeaderKey(_Key):
    openapi_type = "apiKey"
    openapi_in = "header"
    openapi_name = "X-API-Key"
    openapi_description = "The same key, for clients that cannot send the other header."


class Session(SessionAuth):
    openapi_description = (
        "A signed-in session; what changes something also wants the CSRF token, as X-CSRFToken."
    )

    def __call__(self, request: HttpRequest) -> AbstractUser | None:
        # Who has no session is told so, and not that a CSRF token is missing.
        if self.param_name not in request.COOKIES:
            return None
        user: AbstractUser | None = super().__call__(request)
        if user is not None:
            request.caller = Principal(user)  # type: ignore[attr-defined]
        return user


def needs(scope: str) -> list[Auth]:
    """A session, or a key with this scope."""
    return [BearerKey(scope), HeaderKey(scope), Session()]


def session_only() -> list[Auth]:
    """A session; with a key it is forbidden."""
    return [_no_key, Session()]


async def _no_key(request: HttpRequest) -> None:
    if principals.key_in(request.headers) is None:
        return
    await database.call(principals.of_headers, request.headers)
    raise Forbidden("This is done in a signed-in session, not with a key.")
