"""The first account of an installation, and how to sign in."""

import os
import secrets
from collections.abc import Callable
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction

DEMO: Final = "demo"


def ensure() -> list[str]:
    """Create the first account if there is none. Returns sentences that say how to sign in.

    The account's name is DJANGO_SUPERUSER_USERNAME if that is set, else `demo`. Several processes may call this at
    once. Raises ImproperlyConfigured if an administrator's name is set without a password."""
    users = get_user_model().objects
    if username := os.environ.get("DJANGO_SUPERUSER_USERNAME"):
        return _administrator(username)
    if users.filter(username=DEMO).exists():
        return [
            f"Sign in as {DEMO}; its password was shown when the account was made.",
            f"Lost it? .venv/bin/python manage.py changepassword {DEMO}",
        ]
    if users.exists():
        return ["Sign in with your account."]
    if settings.HTTPS:
        # On a public site no password may be printed to a log.
        return ["Nobody has an account yet. To make an administrator: manage.py createsuperuser"]
    password = secrets.token_urlsafe(12)
    if _created(lambda: users.create_user(DEMO, password=password)):
        return [f"Sign in as {DEMO} with the password {password} (shown only this once)."]
    return [f"Sign in as {DEMO}; another process has just shown its password."]


def _administrator(username: str) -> list[str]:
    users = get_user_model().objects
    if users.filter(username=username).exists():
        return [f"Sign in as {username}."]
    password = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
    if not password:
        raise ImproperlyConfigured(
            "DJANGO_SUPERUSER_PASSWORD is not set, and DJANGO_SUPERUSER_USERNAME needs it."
        )
    email = os.environ.get("DJANGO_SUPERUSER_EMAIL", "")

    def create() -> None:
        user = users.create_superuser(username, email, password)
        if email:
            # The server's operator vouches for the address: allauth sets up no second factor while one is unverified.
            EmailAddress.objects.create(user=user, email=email.lower(), primary=True, verified=True)

    if _created(create):
        return [f"Sign in as {username}, with the password from DJANGO_SUPERUSER_PASSWORD."]
    return [f"Sign in as {username}."]


def _created(create: Callable[[], object]) -> bool:
    """Create the account; returns False if another process has just created it."""
    try:
        with transaction.atomic():
            create()
    except IntegrityError:
        return False
    return True
