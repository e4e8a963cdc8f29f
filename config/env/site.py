"""The site's own address, with which the links in mails begin."""

from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.env.parsing import is_http_url, text

# As ALLOWED_HOSTS writes them.
OWN_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


def site_url() -> str:
    """OUTCRY_SITE_URL without a slash at its end; by default this machine's, at PORT. Raises ImproperlyConfigured."""
    value = text("OUTCRY_SITE_URL", f"http://127.0.0.1:{text('PORT', '8000')}").rstrip("/")
    if not is_http_url(value) or urlsplit(value).path:
        raise ImproperlyConfigured(
            f"Unexpected value OUTCRY_SITE_URL={value!r}, use the address that people open, such as"
            " https://outcry.example, without a path."
        )
    return value
