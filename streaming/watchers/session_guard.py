"""Checks that the sessions and API keys of open connections are still valid, and that their owners may still watch."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.utils import timezone

from conversations.access import permissions, principals, second_factor
from conversations.access.permissions import NO_RIGHTS
from conversations.access.principals import Principal
from conversations.models import ApiKey
from streaming.wire.close_codes import Close

# A principal, and the conversation that they watch; None before they watch one.
Watching = tuple[Principal, UUID | None]


def refused(watching: Sequence[Watching]) -> dict[Watching, Close]:
    """The close codes of those that must be closed now, by a few queries for all of them."""
    sessions = _valid_sessions({principal.session for principal, _ in watching if principal.key is None})
    keys = _valid_keys({principal.key for principal, _ in watching if principal.key is not None})
    users = principals.active_users({principal.user.pk for principal, _ in watching})
    lacking = second_factor.lacking(users.values())
    stamps = {key: user.get_session_auth_hash() for key, user in users.items()}
    asked = {
        (users[principal.user.pk], conversation)
        for principal, conversation in watching
        if conversation is not None and principal.user.pk in users
    }
    rights = permissions.rights_of_all(asked)
    verdicts: dict[Watching, Close] = {}
    for principal, conversation in watching:
        user = users.get(principal.user.pk)
        if principal.key is None:
            is_valid = principal.session in sessions and stamps.get(principal.user.pk) == principal.stamp
        else:
            is_valid = keys.get(principal.key) == principal.stamp
        if user is None or not is_valid or user.pk in lacking:
            verdicts[principal, conversation] = Close.UNAUTHENTICATED
        # One that was deleted for good is missing.
        elif conversation is not None and not rights.get((user.pk, conversation), NO_RIGHTS).watch:
            verdicts[principal, conversation] = Close.FORBIDDEN
    return verdicts


def _valid_sessions(keys: set[str]) -> set[str]:
    return {*Session.objects.filter(expire_date__gt=timezone.now()).only("pk").in_bulk(keys)}


def _valid_keys(ids: Iterable[UUID]) -> dict[Any, str]:
    """The stamps of the valid ones among these API keys, by id."""
    return {pk: key.digest for pk, key in ApiKey.objects.live().only("digest").in_bulk(ids).items()}
