"""One HTTP request beside Django, and its answer: for responses that last, which through Django's handler would hold a
thread each."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import parse_qs

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from ninja.utils import check_csrf

from conversations.access import principals
from conversations.access.principals import Principal
from conversations.domain.errors import Forbidden, InvalidInput, OutcryError, Problem, Unauthenticated
from conversations.infrastructure import database
from streaming.watchers import session_guard
from streaming.watchers.session_guard import Guest

# The longest form, with every character escaped, fits three times.
MAX_BODY: Final = 1024 * 1024
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class TooLarge(OutcryError):
    """The body has more bytes than any right one."""

    code = "too_large"
    http_status = 413


class NeedsHttps(OutcryError):
    """It was asked in the clear."""

    code = "https_required"
    http_status = 403


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Visitor:
    """Who asks, and as whom the registry looks after them."""

    caller: Principal
    guest: Guest


@dataclass(frozen=True)
class Request:
    """What a client asks. `headers` by lower-case name."""

    scope: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes

    @property
    def method(self) -> str:
        method: str = self.scope["method"]
        return method

    @property
    def path(self) -> str:
        path: str = self.scope["path"]
        return path

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The last value of each name."""
        values = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return {name: given[-1] for name, given in values.items()}

    def json(self) -> dict[str, Any]:
        """The body, which has to be a JSON object. Raises InvalidInput."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise InvalidInput([Problem("body", "json", "The body must be one JSON object.")])
        return value

    @property
    def site(self) -> str:
        """The site's address as the client has it, without a slash at its end."""
        return self._django.build_absolute_uri("/").rstrip("/")

    def require_https(self) -> None:
        """Raises NeedsHttps where the site is one of https and this is not: a key must not travel in the clear."""
        if settings.SECURE_SSL_REDIRECT and not self._django.is_secure():
            raise NeedsHttps("This site is reached by https only.")

    def require_host(self) -> None:
        """Raises InvalidInput where the site is asked by a name that is not its own."""
        try:
            self._django.get_host()
        except DisallowedHost:
            raise InvalidInput([Problem("Host", "host", "This site has another name.")]) from None

    async def visitor(self) -> Visitor:
        """Who asks: by a key, else by their session. Raises Unauthenticated, and Forbidden where what changes something
        comes without the session's CSRF token."""
        if principals.key_in(self.headers) is not None:
            caller = await database.call(principals.of_headers, self.headers)
            return Visitor(caller, session_guard.guest_of(caller, ""))
        session = self._session
        if session is None:
            raise Unauthenticated("Sign in first, or send an API key.")
        if self.method not in _SAFE and await asyncio.to_thread(check_csrf, self._django) is not None:
            raise Forbidden("The CSRF token is missing or wrong; send it as X-CSRFToken.")
        caller = await database.call(session_guard.caller, {"session": SimpleNamespace(session_key=session)})
        return Visitor(caller, session_guard.guest_of(caller, session))

    @cached_property
    def _django(self) -> ASGIRequest:
        # Without its body, which Django would read for a CSRF token; here that comes in a header only.
        headers = [
            (name, value)
            for name, value in self.scope["headers"]
            if name.lower() not in {b"content-type", b"content-length"}
        ]
        return ASGIRequest({**self.scope, "headers": headers}, BytesIO())

    @property
    def _session(self) -> str | None:
        # Read as Django reads it: other cookies of the host may be of any shape.
        return self._django.COOKIES.get(settings.SESSION_COOKIE_NAME) or None


async def read(scope: Mapping[str, Any], receive: Any, most: int = MAX_BODY) -> Request:
    """The request with its body. Raises TooLarge and ClientLeft."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        size += len(message.get("body", b""))
        if size <= most:
            parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    if size > most:
        raise TooLarge(f"The body is too large; send at most {most:,} bytes.")
    return Request(scope, by_name(scope["headers"]), b"".join(parts))


def by_name(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; one that is sent twice is joined, as HTTP has it. Two keys are none, then."""
    named: dict[str, str] = {}
    for name, value in raw:
        known, text = name.decode("latin-1").lower(), value.decode("latin-1")
        named[known] = f"{named[known]},{text}" if known in named else text
    return named


def headers(more: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """What every answer carries, and these."""
    every = [("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin")]
    if settings.SECURE_HSTS_SECONDS:
        every.append(
            ("strict-transport-security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains")
        )
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in [*every, *more]]


async def answer(send: Any, status: int, body: Any, more: Iterable[tuple[str, str]] = ()) -> None:
    """A whole answer: `body` as JSON, or none at all where it is None."""
    text = "" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # A refusal names what was sent, which may have half a character in it.
    content = text.encode(errors="replace")
    described = [] if body is None else [("content-type", "application/json"), ("cache-control", "no-store")]
    if status != 204:
        described.append(("content-length", str(len(content))))
    await send({"type": "http.response.start", "status": status, "headers": headers([*described, *more])})
    await send({"type": "http.response.body", "body": content})
