"""System checks of what the settings point to: the database and Redis answer, and the database is up to date.

They ask over the network, so only who names a database runs them: `manage.py check --database default`, and every
process that is about to serve or to work.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseFailure
from django.db import connection

from config.env import service_urls
from config.env.parsing import text
from streaming.monitoring.health import missing_migrations

# Whoever is slower would not be of use either.
PATIENCE_SECONDS: Final = 3.0

_migrating: ContextVar[bool] = ContextVar("migrating", default=False)


@contextmanager
def migrating() -> Iterator[None]:
    """Meanwhile nobody asks whether the database is up to date, nor for what migrating does not need."""
    token = _migrating.set(True)
    try:
        yield
    finally:
        _migrating.reset(token)


@register(Tags.database)
def check_database(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The database answers, and has been migrated to this version."""
    if not databases:
        return []
    try:
        connection.ensure_connection()
        missing = [] if _migrating.get() else missing_migrations()
    except (DatabaseFailure, ImproperlyConfigured, OSError) as failure:
        return [
            Error(
                f"The database of DATABASE_URL ({_shown()}) cannot be used: {_reason(failure)}",
                hint="Start it, or set DATABASE_URL to its address, name, user and password.",
                id="outcry.E120",
            )
        ]
    if missing:
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        return [
            Error(
                f"The database lacks migrations of this version: {missing[0]}{more}.",
                hint="Run `manage.py migrate`, once for all processes.",
                id="outcry.E121",
            )
        ]
    return []


@register(Tags.database)
def check_redis(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Every Redis answers, where there is to be one."""
    if not databases or _migrating.get() or not settings.REDIS_URL:
        return []
    shards = [host["address"] for host in settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"]]
    named = dict.fromkeys(shards, "OUTCRY_CHANNEL_REDIS_URLS") | {settings.REDIS_URL: "REDIS_URL"}
    return [error for url, name in named.items() for error in _ask_redis(name, url)]


def _ask_redis(name: str, url: str) -> list[CheckMessage]:
    patience = {"socket_connect_timeout": PATIENCE_SECONDS, "socket_timeout": PATIENCE_SECONDS}
    try:
        with redis.Redis.from_url(url, **patience) as client:
            client.ping()
    except (redis.RedisError, OSError) as failure:
        return [
            Error(
                f"Redis of {name} ({service_urls.shown(url)}) cannot be used: {_reason(failure)}",
                hint=f"Start it, or set {name} to the address and password of the one that runs.",
                id="outcry.E122",
            )
        ]
    return []


def _shown() -> str:
    where = settings.DATABASES["default"]
    return str(where["NAME"]) if connection.vendor == "sqlite" else service_urls.shown(text("DATABASE_URL"))


def _reason(failure: Exception) -> str:
    """What the driver says, in one line, and in no case a password."""
    said = " ".join(str(failure).split()) or type(failure).__name__
    for secret in _secrets():
        said = said.replace(secret, "...")
    return said


def _secrets() -> set[str]:
    urls = [text("DATABASE_URL"), settings.REDIS_URL, *text("OUTCRY_CHANNEL_REDIS_URLS").split(",")]
    encoded = {url.rpartition("@")[0].rpartition(":")[2] for url in urls}
    return {secret for secret in {*encoded, settings.DATABASES["default"].get("PASSWORD")} if secret}
