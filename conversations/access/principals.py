"""Who calls: a person in their session, or a program with one of their keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from conversations.access import api_keys
from conversations.domain.enums import Scope
from conversations.domain.errors import ScopeMissing, Unauthenticated
from conversations.models import ApiKey

ALL: Final = frozenset(scope.value for scope in Scope)


@dataclass(frozen=True)
class Principal:
    """`user` is whose rights they have, as far as `scopes` go; a session has all of them, and no `key`. `stamp` is what
    changes when the key gets a new secret."""

    user: AbstractUser
    key: UUID | None = None
    scopes: frozenset[str] = ALL
    stamp: str = ""

    def require(self, scope: str) -> None:
        """Raises ScopeMissing."""
        if scope not in self.scopes:
            raise ScopeMissing(f"This key lacks the scope that this needs: {scope}.")


def key_in(headers: Mapping[str, str]) -> str | None:
    """What these headers, by lower or any case, bring as a key: `Authorization: Bearer KEY`, else `X-API-Key: KEY`.
    None where they bring none: a proxy's own `Authorization: Basic` is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key")


def of_headers(headers: Mapping[str, str]) -> Principal:
    """Who brings the key in these headers. Uses the database. Raises Unauthenticated where there is none, or it opens
    nothing."""
    text = key_in(headers)
    if text is None:
        raise Unauthenticated("Sign in first, or send an API key.")
    found = api_keys.find(text)
    if found is None:
        raise Unauthenticated("This key is unknown, revoked or expired.")
    return _of(found)


def still(caller: Principal) -> Principal:
    """Who brought a key a while ago, as the database has them now. Raises Unauthenticated."""
    found = ApiKey.objects.live().select_related("owner").filter(digest=caller.stamp).first()
    if found is None:
        raise Unauthenticated("This key has been revoked, or has expired.")
    return _of(found)


def _of(key: ApiKey) -> Principal:
    return Principal(key.owner, key.pk, frozenset(key.scopes), key.digest)
