"""Whether the session or the key that opened a connection still stands, and still may watch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.auth.models import AbstractUser
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from conversations.access import permissions, principals
from conversations.access.principals import Principal
from conversations.domain.errors import Unauthenticated
from conversations.models import ApiKey, Conversation
from streaming.wire.close_codes import Close

T = TypeVar("T")

# Values in one query: every database takes so many.
CHUNK = 500


@dataclass(frozen=True)
class Guest:
    """Who opened a connection: the person, by which session, or by which key (then `session` is empty), and the stamp
    that a new password, or the key's new secret, changes."""

    person: Any
    name: str
    session: str
    stamp: str
    key: UUID | None = None


def opened_by(scope: Any) -> Principal:
    """Who opened this connection, as the handshake found them."""
    found: Principal = scope["caller"] if "caller" in scope else Principal(scope["user"])
    return found


def caller(scope: Any) -> Principal:
    """Whose socket it is, as the database has them now. Raises Unauthenticated when the session has ended (signed out,
    expired, password changed) or the key has, or the account is disabled."""
    return principals.still(scope["caller"]) if "caller" in scope else Principal(_signed_in(scope))


def _signed_in(scope: Any) -> AbstractUser:
    # A store of its own: the scope's keeps what it read in the handshake.
    store = _engine().SessionStore
    session = store(scope["session"].session_key)
    key, backend = session.get(SESSION_KEY), session.get(BACKEND_SESSION_KEY)
    found = None
    if key is not None and backend is not None:
        # The backend refuses those who are disabled.
        found = load_backend(backend).get_user(get_user_model()._meta.pk.to_python(key))
    if found is None or not constant_time_compare(
        session.get(HASH_SESSION_KEY, ""), found.get_session_auth_hash()
    ):
        raise Unauthenticated("Your session has ended. Sign in again.")
    return cast("AbstractUser", found)


def guest(scope: Any) -> Guest:
    """Who opened this connection, by its session or its key."""
    return guest_of(opened_by(scope), "" if "caller" in scope else scope["session"].session_key)


def guest_of(caller: Principal, session: str) -> Guest:
    """The caller as a guest; `session` is the key of their session, and empty for a program's."""
    user = caller.user
    stamp = user.get_session_auth_hash() if caller.key is None else caller.stamp
    return Guest(user.pk, user.get_username(), session, stamp, caller.key)


Watching = tuple[Guest, UUID | None]


def refused(watching: Sequence[Watching]) -> dict[Watching, Close]:
    """Of these people and what they watch, whom to send away now. A few queries, however many they are."""
    standing = _standing({who.session for who, _ in watching if who.key is None})
    keys = _keys({who.key for who, _ in watching if who.key is not None})
    people = _people({who.person for who, _ in watching})
    stamps = {key: user.get_session_auth_hash() for key, user in people.items()}
    owners = _owners({conversation for _, conversation in watching if conversation is not None})
    reviewers: dict[Any, bool] = {}
    verdicts: dict[Watching, Close] = {}
    for who, conversation in watching:
        if who.key is None:
            stands = who.session in standing and stamps.get(who.person) == who.stamp
        else:
            stands = keys.get(who.key) == who.stamp and who.person in people
        if not stands:
            verdicts[who, conversation] = Close.UNAUTHENTICATED
        elif conversation is not None and owners.get(conversation) != who.person:
            if who.person not in reviewers:
                reviewers[who.person] = permissions.may_review(people[who.person])
            if not reviewers[who.person]:
                verdicts[who, conversation] = Close.FORBIDDEN
    return verdicts


def _engine() -> Any:
    return import_module(settings.SESSION_ENGINE)


def _standing(keys: set[str]) -> set[str]:
    store = _engine().SessionStore
    if not hasattr(store, "get_model_class"):
        # Not in the database: each is asked for by itself.
        return {key for key in keys if store(key).exists(key)}
    rows = store.get_model_class().objects.filter(expire_date__gt=timezone.now())
    return {
        key
        for chunk in _chunks(keys)
        for key in rows.filter(session_key__in=chunk).values_list("session_key", flat=True)
    }


def _keys(ids: set[UUID]) -> dict[UUID, str]:
    """The stamps of those that open something."""
    rows = ApiKey.objects.live().values_list("pk", "digest")
    return {pk: digest for chunk in _chunks(ids) for pk, digest in rows.filter(pk__in=chunk)}


def _people(keys: set[Any]) -> dict[Any, AbstractUser]:
    rows = get_user_model().objects.filter(is_active=True)
    return {user.pk: user for chunk in _chunks(keys) for user in rows.filter(pk__in=chunk)}


def _owners(conversations: set[UUID]) -> dict[UUID, Any]:
    rows = Conversation.objects.values_list("pk", "owner_id")
    return {pk: owner for chunk in _chunks(conversations) for pk, owner in rows.filter(pk__in=chunk)}


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
