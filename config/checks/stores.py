"""System checks of the configured stores: the database and Redis respond, and all migrations are applied.

They use the network, so they run only with a database argument: in `manage.py check --database default`, and before a
process serves or works.
"""

from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseFailure
from django.db import connection

from config.env.parsing import text, words
from config.env.stores import passwords, without_password
from streaming.monitoring.health import missing_migrations

# Timeout of connecting and of each answer; a slower Redis would be unusable.
TIMEOUT_SECONDS: Final = 3.0

# Whether to skip the checks of applied migrations and of Redis, which migrating does not need.
migrating: ContextVar[bool] = ContextVar("migrating", default=False)


@register(Tags.database)
def check_database(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """Check that the database responds and all migrations of this version are applied."""
    if not databases:
        return
    try:
        connection.ensure_connection()
        missing = [] if migrating.get() else missing_migrations()
    except (DatabaseFailure, ImproperlyConfigured, OSError) as failure:
        is_file = connection.vendor == "sqlite"
        place = settings.DATABASES["default"]["NAME"] if is_file else without_password(text("DATABASE_URL"))
        yield Error(
            f"The database of DATABASE_URL ({place}) cannot be used: {_reason(failure)}",
            hint="Start it, or set DATABASE_URL to its address, name, user and password.",
            id="outcry.E120",
        )
        return
    if missing:
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        yield Error(
            f"The database lacks migrations of this version: {missing[0]}{more}.",
            hint="Run `manage.py migrate`, once for all processes.",
            id="outcry.E121",
        )


@register(Tags.database)
def check_redis(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """Check that every configured Redis responds."""
    if not databases or migrating.get() or not settings.REDIS_URL:
        return
    # Loaded only with Redis.
    import redis

    shards = [host["address"] for host in settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"]]
    settings_by_url = dict.fromkeys(shards, "OUTCRY_CHANNEL_REDIS_URLS") | {settings.REDIS_URL: "REDIS_URL"}
    timeouts = {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS}
    for url, name in settings_by_url.items():
        try:
            with redis.Redis.from_url(url, **timeouts) as client:
                client.ping()
        except (redis.RedisError, OSError) as failure:
            yield Error(
                f"Redis of {name} ({without_password(url)}) cannot be used: {_reason(failure)}",
                hint=f"Start it, or set {name} to the address and password of the one that runs.",
                id="outcry.E122",
            )


def _reason(failure: Exception) -> str:
    """The driver's message in one line, without passwords."""
    message = " ".join(str(failure).split()) or type(failure).__name__
    for password in passwords(
        [text("DATABASE_URL"), settings.REDIS_URL, *words("OUTCRY_CHANNEL_REDIS_URLS")]
    ):
        message = message.replace(password, "...")
    return message
