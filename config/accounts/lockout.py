"""One counter of wrong passwords for a person, whether the name or the mail address was given.

allauth counts by what was typed, which gives two counters to a guesser, and one more for each host of the site.
"""

from allauth.account.signals import password_reset
from allauth.account.utils import filter_users_by_email, filter_users_by_username
from allauth.core import ratelimit
from django.contrib.auth.models import AbstractUser
from django.dispatch import receiver
from django.http import HttpRequest


def key(login: str) -> str:
    """The counter for what was typed as name or address; one for each person, and one for each unknown login."""
    found = person(login)
    return f"unknown:{login.strip().casefold()}" if found is None else _of(found)


def person(login: str) -> AbstractUser | None:
    """Whose name or mail address this is."""
    typed = login.strip()
    found: AbstractUser | None = filter_users_by_username(typed).first()
    return found or next(iter(filter_users_by_email(typed)), None)


@receiver(password_reset)
def unlock(request: HttpRequest, user: AbstractUser, **_: object) -> None:
    """A link from a mail is the way in for a person whom somebody else has locked out by wrong passwords."""
    ratelimit.clear(request, action="login_failed", key=_of(user))


def _of(user: AbstractUser) -> str:
    return f"person:{user.pk}"
