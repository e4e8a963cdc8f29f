"""A request to a streaming endpoint: Starlette's, with Django's rules for hosts, https, sessions and CSRF tokens.

The streaming endpoints bypass Django's handler, which would hold one thread for each open response.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from functools import cached_property
from io import BytesIO
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from ninja.utils import check_csrf
from starlette import requests as starlette_requests

from conversations.access import principals, rate_limits
from conversations.access.principals import Principal
from conversations.domain.enums import Scope
from conversations.domain.errors import Forbidden, InvalidInput, OutcryError, Unauthenticated
from conversations.infrastructure import database
from streaming.watchers.registry import registry

# As many bytes as Django's own views take.
MAX_BODY: Final[int] = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class TooLarge(OutcryError):
    """The body has more than MAX_BODY bytes."""

    code = "too_large"
    http_status = 413


class NeedsHttps(OutcryError):
    """The site is https only, and the request came by http."""

    code = "https_required"
    http_status = 403


class Request(starlette_requests.Request):
    """A request whose body is bounded and whose sender can be authenticated."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in chunks. Raises ClientDisconnect, and TooLarge past MAX_BODY bytes, but only after the last byte:
        most clients read no response before they have sent everything."""
        size = 0
        async for chunk in super().stream():
            size += len(chunk)
            if size <= MAX_BODY:
                yield chunk
        if size > MAX_BODY:
            raise TooLarge(f"The body is too large; send at most {MAX_BODY:,} bytes.")

    async def json_object(self) -> dict[str, Any]:
        """The body, which has to be one JSON object. Raises InvalidInput."""
        try:
            value = json.loads(await self.body())
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise InvalidInput.of("body", "json", "The body must be one JSON object.")
        return value

    def require_https(self) -> None:
        """Raises NeedsHttps for http on a site of https: a key must not be sent in the clear."""
        if settings.SECURE_SSL_REDIRECT and not self.django.is_secure():
            raise NeedsHttps("This site is reached by https only.")

    def require_host(self) -> None:
        """Raises InvalidInput if the Host header is not in ALLOWED_HOSTS."""
        try:
            self.django.get_host()
        except DisallowedHost:
            raise InvalidInput.of("Host", "host", "This server does not serve this host name.") from None

    async def authenticate(self, *scopes: Scope, streams: bool = False) -> Principal:
        """The sender, by an API key, else by the session. Raises Unauthenticated; Forbidden for a session without a
        CSRF token, unless the method is safe; TooManyRequests; LimitReached if the response `streams`, and the sender
        has too many connections; and ScopeMissing if the key lacks one of the scopes."""
        principal = await self._principal()
        rate_limits.read(str(principal.user.pk))
        if streams:
            # Before a debate is started for it.
            registry().require_room(principal)
        for scope in scopes:
            principal.require(scope)
        return principal

    async def _principal(self) -> Principal:
        if principals.key_in(self.django.headers) is not None:
            return await database.call(principals.of_headers, self.django.headers)
        # Django parses the cookies: other applications on this host may have set malformed ones.
        session = self.django.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if not session:
            raise Unauthenticated("Sign in first, or send an API key.")
        if self.method not in _SAFE_METHODS and await asyncio.to_thread(check_csrf, self.django) is not None:
            raise Forbidden("The CSRF token is missing or wrong; send it as X-CSRFToken.")
        return await database.call(principals.of_session, session)

    @cached_property
    def django(self) -> ASGIRequest:
        """The request as Django reads it, without its body. A header that was sent twice has both values, joined by a
        comma (RFC 9110), so two API keys match none."""
        # Without these two, Django does not look for the CSRF token in a form.
        left_out = {b"content-type", b"content-length"}
        headers = [pair for pair in self.scope["headers"] if pair[0].lower() not in left_out]
        return ASGIRequest({**self.scope, "headers": headers}, BytesIO())
