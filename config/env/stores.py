"""Django's settings of the stores: the database of DATABASE_URL, and the cache and channel layer in Redis."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from config.env import service_urls
from config.env.parsing import text

POSTGRESQL: Final = "django.db.backends.postgresql"
SQLITE: Final = "django.db.backends.sqlite3"
_SQLITE_OPTIONS: Final = {
    # WAL: readers never wait for the writer. IMMEDIATE: a transaction takes the write lock at its start, not half way.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}
_POSTGRESQL_OPTIONS: Final = {
    # A server that disappears without closing its connections is noticed within seconds, not hours.
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    # The server releases the locks of a process that has disappeared.
    "options": "-c idle_in_transaction_session_timeout=15s",
}
# Seconds. The data in Redis is not worth a longer wait.
_REDIS_TIMEOUT: Final = 1.0


def databases(data_dir: Path) -> dict[str, dict[str, Any]]:
    """DATABASES for DATABASE_URL, by default SQLite in the data folder. Raises ImproperlyConfigured."""
    url = text("DATABASE_URL", f"sqlite:///{data_dir / 'outcry.sqlite3'}")
    default = service_urls.database("DATABASE_URL", url)
    if default["ENGINE"] == POSTGRESQL:
        # Options in the URL take precedence.
        default["OPTIONS"] = _POSTGRESQL_OPTIONS | default.get("OPTIONS", {})
    elif default["ENGINE"] == SQLITE:
        default["OPTIONS"] = _SQLITE_OPTIONS
        # A file, as in production, because threads must share the database, and one in memory has no WAL.
        default["TEST"] = {"NAME": str(data_dir / "test.sqlite3")}
    return {"default": default}


def caches(redis_url: str) -> dict[str, dict[str, Any]]:
    """CACHES: in Redis, or in this process."""
    if not redis_url:
        # Large enough that filling the cache cannot evict the rate limits.
        backend = "django.core.cache.backends.locmem.LocMemCache"
        return {"default": {"BACKEND": backend, "OPTIONS": {"MAX_ENTRIES": 100_000}}}
    timeouts = {"socket_connect_timeout": _REDIS_TIMEOUT, "socket_timeout": _REDIS_TIMEOUT}
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis_url,
            "OPTIONS": timeouts,
        }
    }


def channel_layers(urls: Sequence[str]) -> dict[str, dict[str, Any]]:
    """CHANNEL_LAYERS: in these Redis servers, with each group on one of them, or in this process without any."""
    if not urls:
        return {"default": {"BACKEND": "streaming.hub.channel_layer.ProcessChannelLayer"}}
    hosts = [{"address": url, "socket_connect_timeout": _REDIS_TIMEOUT} for url in urls]
    return {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": hosts}}
    }
