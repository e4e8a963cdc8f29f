"""System checks of settings that are incomplete, contradict each other, or that a public site must not have."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.core.validators import slug_re
from django.http.request import validate_host

from config.env import sso
from config.env.parsing import text, words
from config.env.site import OWN_MACHINE

_MIN_KEY: Final = 50
_MIN_DISTINCT_CHARACTERS: Final = 5


@register()
def check_several_processes(**_: Any) -> Iterator[CheckMessage]:
    """Several processes need shared stores."""
    is_worker = settings.OUTCRY_RUNNER == "worker"
    if is_worker and not settings.REDIS_URL:
        yield Error(
            "OUTCRY_RUNNER=worker, but REDIS_URL is not set: no word would get from a worker to a watcher.",
            hint="Set REDIS_URL, such as redis://127.0.0.1:6379/0, the same for every process;"
            " or OUTCRY_RUNNER=process.",
            id="outcry.E110",
        )
    if is_worker and settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        yield Error(
            "OUTCRY_RUNNER=worker, but DATABASE_URL is SQLite, which has no queue for workers.",
            hint="Set DATABASE_URL to postgresql://USER:PASSWORD@HOST:5432/NAME; or OUTCRY_RUNNER=process.",
            id="outcry.E111",
        )
    if words("OUTCRY_CHANNEL_REDIS_URLS") and not settings.REDIS_URL:
        yield Error(
            "OUTCRY_CHANNEL_REDIS_URLS is set, but REDIS_URL is not: the channel layer would stay in each process.",
            hint="Set REDIS_URL, which holds rate limits and the state of providers.",
            id="outcry.E112",
        )


@register(Tags.security)
def check_secret_key(**_: Any) -> Iterator[CheckMessage]:
    key = settings.SECRET_KEY
    if len(key) < _MIN_KEY or len(set(key)) < _MIN_DISTINCT_CHARACTERS:
        yield Error(
            f"SECRET_KEY is too short to keep a secret: it needs {_MIN_KEY} random characters, and has {len(key)}"
            f" of {len(set(key))} kinds.",
            hint="Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'. The one before goes to"
            " SECRET_KEY_FALLBACKS.",
            id="outcry.E114",
        )


@register(Tags.security)
def check_production(**_: Any) -> Iterator[CheckMessage]:
    """Errors and warnings for public sites (those with OUTCRY_HTTPS=true)."""
    if not settings.HTTPS:
        return
    if settings.DEBUG:
        yield Error(
            "DEBUG=true with OUTCRY_HTTPS=true: error pages would show settings and code to everybody.",
            hint="Unset DEBUG, or set DEBUG=false.",
            id="outcry.E113",
        )
    if not words("ALLOWED_HOSTS") or "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "OUTCRY_HTTPS=true needs ALLOWED_HOSTS, the names that people reach the site by, and * is none.",
            hint="Set ALLOWED_HOSTS, such as outcry.example.",
            id="outcry.E115",
        )
    if settings.SECURE_PROXY_SSL_HEADER is None:
        yield Warning(
            "OUTCRY_HTTPS=true without OUTCRY_BEHIND_PROXY=true: behind a proxy that ends https, every page would"
            " send people back to itself.",
            hint="Set OUTCRY_BEHIND_PROXY=true, unless uvicorn itself has the certificate.",
            id="outcry.W112",
        )


@register(Tags.security)
def check_site_url(**_: Any) -> Iterator[CheckMessage]:
    """The links in mails lead to this address, so on a site that others reach it may not be a guess."""
    address = urlsplit(settings.OUTCRY_SITE_URL)
    if set(words("ALLOWED_HOSTS")) - OWN_MACHINE and not text("OUTCRY_SITE_URL"):
        yield Error(
            "OUTCRY_SITE_URL is not set, and ALLOWED_HOSTS names other hosts than this machine: the links in mails"
            " would lead nowhere.",
            hint="Set OUTCRY_SITE_URL to the address that people open, such as https://outcry.example.",
            id="outcry.E116",
        )
    elif settings.HTTPS and address.scheme != "https":
        yield Error(
            f"OUTCRY_SITE_URL={settings.OUTCRY_SITE_URL} is http, but OUTCRY_HTTPS=true.",
            hint="Set OUTCRY_SITE_URL to an address that begins with https://.",
            id="outcry.E117",
        )
    elif text("OUTCRY_SITE_URL") and not validate_host(address.hostname or "", settings.ALLOWED_HOSTS):
        yield Error(
            f"OUTCRY_SITE_URL names the host {address.hostname}, which ALLOWED_HOSTS does not: the links in mails"
            " would be refused.",
            hint=f"Add {address.hostname} to ALLOWED_HOSTS, or change OUTCRY_SITE_URL.",
            id="outcry.E118",
        )


@register()
def check_proxies(**_: Any) -> Iterator[CheckMessage]:
    """Behind a proxy, clients can be distinguished only by the addresses that it forwards."""
    if settings.SECURE_PROXY_SSL_HEADER is not None and settings.ALLAUTH_TRUSTED_PROXY_COUNT == 0:
        yield Warning(
            "OUTCRY_BEHIND_PROXY=true, but OUTCRY_PROXY_COUNT=0: rate limits would count all people as one.",
            hint="Set OUTCRY_PROXY_COUNT to the number of proxies that add to X-Forwarded-For, or unset it.",
            id="outcry.W113",
        )


@register(deploy=True)
def check_deployment(**_: Any) -> Iterator[CheckMessage]:
    """Warnings of `manage.py check --deploy`: mail and collected static files."""
    if _mail_goes_to_terminal():
        yield Warning(
            "EMAIL_URL is not set: who forgets a password waits for a mail that the server's terminal shows.",
            hint="Set EMAIL_URL, such as smtp+tls://user:password@mail.example:587.",
            id="outcry.W114",
        )
    if not settings.STATIC_COLLECTED:
        yield Info(
            "Static files are not collected: they are sent uncompressed, and asked for again and again.",
            hint="Run `manage.py collectstatic --no-input` when this version is installed.",
            id="outcry.I115",
        )


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
        allowed = {"http", "https"} if address.hostname in OWN_MACHINE | {"::1"} else {"https"}
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
def check_sign_up(**_: Any) -> Iterator[CheckMessage]:
    """A domain says something about a person only if they have confirmed their address."""
    if settings.OUTCRY_SIGN_UP != "domain":
        return
    if not settings.OUTCRY_SIGN_UP_DOMAINS:
        yield Error(
            "OUTCRY_SIGN_UP=domain, but OUTCRY_SIGN_UP_DOMAINS is not set: nobody can sign up.",
            hint="Set OUTCRY_SIGN_UP_DOMAINS, such as example.com; or OUTCRY_SIGN_UP=invitation.",
            id="outcry.E104",
        )
    if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory":
        yield Error(
            "OUTCRY_SIGN_UP=domain without ACCOUNT_EMAIL_VERIFICATION=mandatory: anybody can claim an address.",
            hint="Set ACCOUNT_EMAIL_VERIFICATION=mandatory.",
            id="outcry.E105",
        )


@register()
def check_mail(**_: Any) -> Iterator[CheckMessage]:
    """Mandatory confirmation needs a mail server, not mail that is printed to the terminal."""
    is_mandatory = settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory"
    if settings.HTTPS and is_mandatory and _mail_goes_to_terminal():
        yield Warning(
            "ACCOUNT_EMAIL_VERIFICATION=mandatory, but mail goes to the server's terminal: nobody can sign up.",
            hint="Set EMAIL_URL, such as smtp+tls://user:password@mail.example:587.",
            id="outcry.W101",
        )


def _mail_goes_to_terminal() -> bool:
    return text("EMAIL_URL", "consolemail:").startswith("consolemail:")
