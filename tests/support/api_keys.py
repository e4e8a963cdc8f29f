"""API keys for tests."""

from datetime import UTC, datetime, timedelta
from functools import partial

from django.contrib.auth.models import User

from conversations.access import api_keys
from conversations.domain.enums import Scope
from conversations.domain.requests import NewKey
from conversations.infrastructure import database
from conversations.models import ApiKey

# Formed as a key is, and nobody's.
UNKNOWN = f"oc_abcdefgh_{'a' * 43}"


def make(
    owner: User, *scopes: str, name: str = "Notebook", expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A key, with all scopes unless some are named, and its text."""
    wished = [Scope(scope) for scope in scopes or Scope.values]
    return api_keys.create(owner, NewKey(name=name, scopes=wished, expires_at=expires_at))


async def made(owner: User, *scopes: str) -> tuple[ApiKey, str]:
    """`make` for async tests."""
    return await database.call(partial(make, owner, *scopes))


def expire(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(expires_at=datetime.now(UTC) - timedelta(seconds=1))


def disable_owner(key: ApiKey) -> None:
    User.objects.filter(pk=key.owner_id).update(is_active=False)


def revoke(key: ApiKey) -> None:
    api_keys.revoke(key.owner, key.pk)


def rotate(key: ApiKey) -> None:
    api_keys.rotate(key.owner, key.pk)


def delete_owner(key: ApiKey) -> None:
    key.owner.delete()


# Ways in which a key stops working.
ENDS = [revoke, rotate, expire, disable_owner]
