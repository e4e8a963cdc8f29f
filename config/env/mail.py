"""Django's mail settings from EMAIL_URL, such as `smtp+tls://user:password@host:587`."""

from typing import Any
from urllib.parse import unquote, urlsplit

import django
from django.core.exceptions import ImproperlyConfigured
from environ import Env

# Limits how long a mail server that hangs delays a request.
TIMEOUT_SECONDS = 10


def mail_settings(url: str) -> dict[str, Any]:
    """EMAIL_... settings, or MAILERS from Django 6.1 on. Raises ImproperlyConfigured."""
    scheme = urlsplit(url).scheme
    if scheme not in Env.EMAIL_SCHEMES:
        # Do not repeat the URL, which holds a password.
        raise ImproperlyConfigured(
            f"Unexpected value EMAIL_URL={scheme}:..., use one of: {', '.join(sorted(Env.EMAIL_SCHEMES))}."
        )
    parsed = {name: value for name, value in Env.email_url_config(url).items() if name != "OPTIONS"}
    by_smtp = scheme.startswith("smtp")
    if by_smtp:
        parsed["EMAIL_TIMEOUT"] = TIMEOUT_SECONDS
    if scheme == "filemail":
        # django-environ takes the path's first slash away, and the folder would depend on where the server starts.
        parsed["EMAIL_FILE_PATH"] = unquote(urlsplit(url).path)
    if django.VERSION < (6, 1):
        return {name: value for name, value in parsed.items() if value is not None}
    options = {}
    if by_smtp:
        options = {_OPTIONS[name]: value for name, value in parsed.items() if name in _OPTIONS}
    elif scheme == "filemail":
        options = {"file_path": parsed["EMAIL_FILE_PATH"]}
    return {"MAILERS": {"default": {"BACKEND": parsed["EMAIL_BACKEND"], "OPTIONS": options}}}


_OPTIONS = {
    "EMAIL_HOST": "host",
    "EMAIL_PORT": "port",
    "EMAIL_HOST_USER": "username",
    "EMAIL_HOST_PASSWORD": "password",
    "EMAIL_USE_TLS": "use_tls",
    "EMAIL_USE_SSL": "use_ssl",
    "EMAIL_TIMEOUT": "timeout",
}
