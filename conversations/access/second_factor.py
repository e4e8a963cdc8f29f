"""Of whom a second factor is required (OUTCRY_SECOND_FACTOR), and whether they gave it.

A session has one if its user entered a code in it: to sign in, or since then. A program's key cannot enter any, so it
is valid only while its owner has a second factor.
"""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AbstractUser

from conversations.domain.errors import SecondFactorMissing


def is_required(user: AbstractUser) -> bool:
    match settings.OUTCRY_SECOND_FACTOR:
        case "all":
            return True
        case "staff":
            return user.is_staff or user.is_superuser
    return False


def lacking(users: Iterable[AbstractUser]) -> set[Any]:
    """The ids of those of whom one is required, and who have none, or none any more. At most one query. Recovery codes
    alone are none: they stand in for one that was lost."""
    required = {user.pk for user in users if is_required(user)}
    if not required:
        return required
    factors = Authenticator.objects.filter(user__in=required)
    return required - {
        *factors.exclude(type=Authenticator.Type.RECOVERY_CODES).values_list("user", flat=True)
    }


def is_missing(user: AbstractUser, session: Mapping[str, Any]) -> bool:
    """Whether one is required of this user, and was not given in this session, or has been removed since. Uses the
    database."""
    return is_required(user) and (not was_given(user, session) or bool(lacking([user])))


def was_given(user: AbstractUser, session: Mapping[str, Any]) -> bool:
    records = get_authentication_records(SimpleNamespace(session=session), user)
    return any(record.get("method") == "mfa" for record in records)


def missing() -> SecondFactorMissing:
    """The error for a session in which it was not given."""
    return SecondFactorMissing("This site requires a second factor. Give it on the site's pages first.")


def require_of_owner(user: AbstractUser) -> None:
    """For an API key of this user. Raises SecondFactorMissing."""
    if lacking([user]):
        raise SecondFactorMissing("The owner of this key has to set up a second factor first.")
