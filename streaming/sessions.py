"""Whether the session that opened a socket still stands."""

from importlib import import_module
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.auth.models import AbstractUser
from django.utils.crypto import constant_time_compare

from conversations.errors import OutcryError


class SignedOut(OutcryError):
    """The session has ended: signed out, expired, password changed, or the account disabled."""

    code = "unauthenticated"


def person(scope: Any) -> AbstractUser:
    """Whose socket it is, as the database has them now. Raises SignedOut."""
    # A store of its own: the scope's keeps what it read in the handshake.
    store = import_module(settings.SESSION_ENGINE).SessionStore
    session = store(scope["session"].session_key)
    key, backend = session.get(SESSION_KEY), session.get(BACKEND_SESSION_KEY)
    found = None
    if key is not None and backend is not None:
        # The backend refuses those who are disabled.
        found = load_backend(backend).get_user(get_user_model()._meta.pk.to_python(key))
    if found is None or not constant_time_compare(
        session.get(HASH_SESSION_KEY, ""), found.get_session_auth_hash()
    ):
        raise SignedOut("Your session has ended. Sign in again.")
    return cast("AbstractUser", found)
