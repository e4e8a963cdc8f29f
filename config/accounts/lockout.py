"""One counter of wrong passwords for a person, whether the name or the mail address was given.

allauth counts by what was typed, which gives two counters to a guesser, and one more for each host of the site. A
password that is reset by mail ends the count, as allauth does it for each address of the person: so a person whom
somebody else has locked out gets in again.
"""

from allauth.account.utils import filter_users_by_email, filter_users_by_username
from django.contrib.auth.models import AbstractUser


def key(login: str) -> str:
    """The counter for what was typed as name or address; one for each person, and one for each unknown login."""
    found = person(login)
    return f"unknown:{login.strip().casefold()}" if found is None else f"person:{found.pk}"


def person(login: str) -> AbstractUser | None:
    """Whose name or mail address this is."""
    typed = login.strip()
    found: AbstractUser | None = filter_users_by_username(typed).first()
    return found or next(iter(filter_users_by_email(typed)), None)
