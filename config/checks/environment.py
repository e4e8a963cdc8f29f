"""System checks of sign-in and mail settings that are incomplete."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.validators import slug_re

from config.env import sso
from config.env.parsing import text

_OWN_MACHINE = {"localhost", "127.0.0.1", "::1"}


@register()
def check_sign_in(**_: Any) -> Iterator[CheckMessage]:
    """An incompletely configured provider would silently be left out."""
    for provider, names in sso.NEEDED.items():
        unset = sso.missing(provider)
        for name in unset:
            yield Error(
                f"{name} is not set, but other settings of the same sign-in provider are.",
                hint=f"Set {name}, or unset {' and '.join(sorted(set(names) - set(unset)))}.",
                id="outcry.E101",
            )
    if text("OIDC_CLIENT_ID"):
        yield from _check_oidc()


def _check_oidc() -> Iterator[CheckMessage]:
    if server := text("OIDC_SERVER_URL"):
        address = urlsplit(server)
        allowed = {"http", "https"} if address.hostname in _OWN_MACHINE else {"https"}
        if address.scheme not in allowed or not address.hostname:
            yield Error(
                f"Unexpected value OIDC_SERVER_URL={server!r}: sign-in needs https.",
                hint="Set OIDC_SERVER_URL to the issuer's address, such as https://id.example/realms/main.",
                id="outcry.E102",
            )
    provider_id = sso.oidc_provider_id()
    if not slug_re.match(provider_id) or provider_id in {"google", "github"}:
        yield Error(
            f"Unexpected value OIDC_PROVIDER_ID={provider_id!r}: it is part of an address.",
            hint="Set OIDC_PROVIDER_ID to letters, digits, - and _, but not to google or github.",
            id="outcry.E103",
        )


@register()
def check_mail(**_: Any) -> Iterator[CheckMessage]:
    """Mandatory confirmation needs a mail server, not mail that is printed to the terminal."""
    to_terminal = text("EMAIL_URL", "consolemail:").startswith("consolemail:")
    if settings.HTTPS and settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory" and to_terminal:
        yield Warning(
            "ACCOUNT_EMAIL_VERIFICATION=mandatory, but mail goes to the server's terminal: nobody can sign up.",
            hint="Set EMAIL_URL, such as smtp+tls://user:password@mail.example:587.",
            id="outcry.W101",
        )
