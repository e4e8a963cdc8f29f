"""The authentication of the JSON API's operations: `auth=needs("watch")`, or `auth=session_only()`.

`conversations.access.principals` decides; here are the schemes of django-ninja, whose class names are those of the
OpenAPI document. An API key takes precedence: a request with an invalid one is refused, whatever cookies it has.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from ninja.security import SessionAuth
from ninja.security.base import AuthBase

from conversations.access import principals, rate_limits
from conversations.domain.errors import Forbidden
from conversations.infrastructure import database

Auth = Callable[[HttpRequest], Any]


class AuthenticatedRequest(HttpRequest):
    """A request that was let in. `auth` is its user; `user` may be another one, by a cookie beside an API key."""

    auth: AbstractUser


class _Key(AuthBase):
    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope
        self.is_async = True

    async def __call__(self, request: HttpRequest) -> AbstractUser | None:
        if principals.key_in(request.headers) is None:
            return None
        principal = await database.call(principals.of_headers, request.headers)
        principal.require(self._scope)
        _count(request, principal.user)
        return principal.user


class BearerKey(_Key):
    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = (
        "An API key, as `Authorization: Bearer oc_...`. Its scopes: `watch` to read debates, `start` to estimate and"
        " start them, `control` to send them commands and messages."
    )


class HeaderKey(_Key):
    openapi_type = "apiKey"
    openapi_in = "header"
    openapi_name = "X-API-Key"
    openapi_description = "The same key, for clients that cannot send the other header."


class Session(SessionAuth):
    openapi_description = (
        "A signed-in session. Requests that change something also need the CSRF token, as X-CSRFToken."
    )

    def __call__(self, request: HttpRequest) -> AbstractUser | None:
        # Without a session the error is that, and not a missing CSRF token.
        if self.param_name not in request.COOKIES:
            return None
        user: AbstractUser | None = super().__call__(request)
        if user is not None:
            _count(request, user)
        return user


def _count(request: HttpRequest, user: AbstractUser) -> None:
    """Count the request if it reads; others have limits of their own. Raises TooManyRequests."""
    if request.method in {"GET", "HEAD"}:
        rate_limits.read(str(user.pk))


def needs(scope: str) -> list[Auth]:
    """A session, or an API key with this scope."""
    return [BearerKey(scope), HeaderKey(scope), Session()]


def session_only() -> list[Auth]:
    """A session; an API key is forbidden."""
    return [_refuse_key, Session()]


async def _refuse_key(request: HttpRequest) -> None:
    if principals.key_in(request.headers) is None:
        return
    await database.call(principals.of_headers, request.headers)
    raise Forbidden("API keys are not accepted here. Sign in instead.")
