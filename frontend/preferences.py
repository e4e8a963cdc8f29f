"""What each page is adapted to: the person's time zone, colours and name.

What a person has not chosen follows their browser: its time zone, which each page puts into a cookie, and its colours,
unless somebody who is not signed in has chosen others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any, Final
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from conversations.domain.enums import Theme
from conversations.models import Preferences

THEME_COOKIE: Final = "theme"
ZONE_COOKIE: Final = "browser_time_zone"
_REGIONS: Final = frozenset(
    {
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    }
)


@dataclass(frozen=True)
class Adapted:
    """`time_zone` is the one in which times are shown, `chosen_zone` the person's own choice; both are "" for none.
    `theme` is "" for the system's."""

    time_zone: str
    chosen_zone: str
    theme: str
    display_name: str
    notify: bool


def context(request: HttpRequest) -> dict[str, Any]:
    """A context processor."""
    return {"preferences": SimpleLazyObject(lambda: adapted(request))}


def adapted(request: HttpRequest) -> Adapted:
    browser_zone = request.COOKIES.get(ZONE_COOKIE, "")
    user = getattr(request, "user", None)
    chosen = of(user) if isinstance(user, AbstractUser) else Preferences(theme=_known_theme(request.COOKIES))
    return Adapted(
        time_zone=_known_zone(chosen.time_zone) or _known_zone(browser_zone),
        chosen_zone=_known_zone(chosen.time_zone),
        theme=chosen.theme,
        display_name=chosen.display_name,
        notify=chosen.notify,
    )


def of(user: AbstractUser) -> Preferences:
    """The person's preferences, which may not be stored yet."""
    return Preferences.objects.filter(person=user.pk).first() or Preferences(person_id=user.pk)


def zones() -> Sequence[tuple[str, Sequence[str]]]:
    """Time zones by region, both in alphabetical order."""
    places = sorted(name for name in available_zones() if name.partition("/")[0] in _REGIONS)
    return [(region, [*names]) for region, names in groupby(places, lambda name: name.partition("/")[0])]


@cache
def available_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    """The time zone, if this server knows it."""
    return name if name in available_zones() else ""


def _known_theme(cookies: Mapping[str, str]) -> str:
    theme = cookies.get(THEME_COOKIE, "")
    return theme if theme in Theme.values else ""
