"""Principals: the user of a request or a connection, authenticated by a session or an API key.

Every endpoint authenticates here, by the database and without a cache.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.models import Session
from django.http.cookie import parse_cookie
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from conversations.access import api_keys, second_factor
from conversations.domain.enums import Scope
from conversations.domain.errors import ScopeMissing, SecondFactorMissing, Unauthenticated
from conversations.models import ApiKey

ALL: Final = frozenset(scope.value for scope in Scope)


@dataclass(frozen=True)
class Principal:
    """The principal has the permissions of `user` within `scopes`; a session has all scopes. `key` is the id of the API
    key, None for a session; `session` is the session's key, empty for an API key. `stamp` changes with the user's
    password, or when the API key gets a new secret."""

    user: AbstractUser
    key: UUID | None = None
    scopes: frozenset[str] = ALL
    stamp: str = ""
    session: str = ""

    def require(self, scope: str) -> None:
        """Raises ScopeMissing."""
        if scope not in self.scopes:
            raise ScopeMissing(f"This API key lacks the scope '{scope}'. Use a key that has it.")


# By API key


def key_in(headers: Mapping[str, str]) -> str | None:
    """The API key in these headers, whose names may be in any case: `Authorization: Bearer KEY`, else `X-API-Key: KEY`.
    None if there is none; a proxy's `Authorization: Basic` is ignored."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key")


def of_headers(headers: Mapping[str, str]) -> Principal:
    """The principal of the API key in these headers. Uses the database. Raises Unauthenticated if there is none, or it
    is not valid; and SecondFactorMissing."""
    text = key_in(headers)
    if text is None:
        raise Unauthenticated("Sign in first, or send an API key.")
    found = api_keys.find(text)
    if found is None:
        raise Unauthenticated("This key is unknown, revoked or expired.")
    return _of_key(found)


def _of_key(key: ApiKey) -> Principal:
    second_factor.require_of_owner(key.owner)
    return Principal(key.owner, key.pk, frozenset(key.scopes), key.digest)


# By session


def session_in(headers: Mapping[str, str]) -> str:
    """The key of the session in these headers' cookies; empty if there is none."""
    return parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, "")


def of_session(session: str) -> Principal:
    """The principal of this session. Uses the database. Raises Unauthenticated when it has ended (signed out, expired,
    password changed), or the account is disabled; and SecondFactorMissing."""
    found = of_sessions([session]).get(session)
    if found is None:
        raise Unauthenticated("Your session has ended. Sign in again.")
    if isinstance(found, SecondFactorMissing):
        raise found
    return found


def of_sessions(sessions: Iterable[str]) -> dict[str, Principal | SecondFactorMissing]:
    """The principals of the valid sessions among these, or what they lack; in two queries."""
    stored = {}
    for key, session in Session.objects.filter(expire_date__gt=timezone.now()).in_bulk(sessions).items():
        data = session.get_decoded()
        if SESSION_KEY in data and data.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS:
            stored[key] = data
    parse = get_user_model()._meta.pk.to_python
    users = active_users({parse(data[SESSION_KEY]) for data in stored.values()})
    lacking = second_factor.lacking(users.values())
    found: dict[str, Principal | SecondFactorMissing] = {}
    for key, data in stored.items():
        if (user := users.get(parse(data[SESSION_KEY]))) is not None:
            stamp = user.get_session_auth_hash()
            if not constant_time_compare(data.get(HASH_SESSION_KEY, ""), stamp):
                continue
            was_given = user.pk not in lacking and second_factor.was_given(user, data)
            is_missing = second_factor.is_required(user) and not was_given
            principal = Principal(user, stamp=stamp, session=key)
            found[key] = second_factor.missing() if is_missing else principal
    return found


def active_users(ids: Iterable[Any]) -> Mapping[Any, AbstractUser]:
    """The active users among these, by id."""
    return get_user_model().objects.filter(is_active=True).in_bulk(ids)


# Of an open connection


def still(principal: Principal) -> Principal:
    """The principal, read again from the database. Raises Unauthenticated if their session or key is no longer
    valid."""
    if principal.key is None:
        return of_session(principal.session)
    found = ApiKey.objects.live().select_related("owner").filter(digest=principal.stamp).first()
    if found is None:
        raise Unauthenticated("This key has been revoked, or has expired.")
    return _of_key(found)
