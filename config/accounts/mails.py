"""What every mail to a person has: links to the site's configured address, and its name.

allauth makes links and the site's name from the request's host, which the sender of the request chooses among
ALLOWED_HOSTS, with any port.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

# The site as allauth's templates name it: by `name` in some, by `domain` in others.
SITE: Final = {"name": "Outcry", "domain": "Outcry"}


def context(given: Mapping[str, Any]) -> dict[str, Any]:
    """The context of a mail's templates, with all of its addresses on the site."""
    on_site = {name: _on_site(value) if name.endswith("_url") else value for name, value in given.items()}
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    return {"current_site": SITE, "site_url": settings.OUTCRY_SITE_URL, "reset_hours": hours, **on_site}


def _on_site(url: str) -> str:
    own, parts = urlsplit(settings.OUTCRY_SITE_URL), urlsplit(url)
    return urlunsplit((own.scheme, own.netloc, parts.path, parts.query, parts.fragment))
