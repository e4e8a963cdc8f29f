"""Sessions for tests, as they are after a person has done something with their password."""

import time

from django.contrib.auth.models import User
from django.test import Client


def confirm(client: Client, person: User) -> None:
    """As after the password was given once more."""
    record(client, person, {"method": "password", "at": time.time(), "reauthenticated": True})


def record(client: Client, person: User, *methods: dict[str, object]) -> None:
    """Add what allauth keeps of each proof that a person gives."""
    session = client.session
    session["account_authentication_methods_user"] = str(person.pk)
    session["account_authentication_methods"] = [
        *session.get("account_authentication_methods", []),
        *methods,
    ]
    session.save()


def confirmed(person: User) -> Client:
    """Signed in, and the password given once more."""
    client = Client()
    client.force_login(person)
    confirm(client, person)
    return client
