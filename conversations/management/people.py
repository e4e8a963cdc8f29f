"""Finding the person whom a command is about."""

from django.contrib.auth.models import User
from django.core.management.base import CommandError


def find(username: str) -> User:
    """Raises CommandError."""
    found = User.objects.filter(username=username).first()
    if found is None:
        raise CommandError(f"There is nobody with the name {username!r}.")
    return found
