"""Django's settings of the stores: the database of DATABASE_URL, and the cache and channel layer in Redis.

An error names the setting without its value, which may hold a password.
"""

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

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
_ENCODED: Final = "Characters such as @ : / ? # % in a password are written as %40 %3A %2F %3F %23 %25."


def databases(data_dir: Path) -> dict[str, dict[str, Any]]:
    """DATABASES for DATABASE_URL, by default SQLite in the data folder. Raises ImproperlyConfigured."""
    url = text("DATABASE_URL", f"sqlite:///{data_dir / 'outcry.sqlite3'}")
    default = database("DATABASE_URL", url)
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


def database(name: str, url: str) -> dict[str, Any]:
    """Django's settings for sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME. Raises ImproperlyConfigured."""
    use = f"Unexpected value in {name}, use sqlite:///PATH or postgresql://USER:PASSWORD@HOST:5432/NAME."
    parts = _split(url, use)
    if parts.scheme == "sqlite":
        # sqlite:// and sqlite:PATH would be a database in memory, or another file.
        usable = url.startswith("sqlite:///") and len(parts.path) > 1
    else:
        usable = parts.scheme in {"postgres", "postgresql"} and len(parts.path) > 1
    if not usable:
        raise ImproperlyConfigured(f"{use} {_ENCODED}")
    try:
        found = dict(environ.Env.db_url_config(url))
    except ValueError:
        raise ImproperlyConfigured(f"{use} {_ENCODED}") from None
    if parts.scheme == "sqlite":
        _require_writable(name, Path(found["NAME"]))
    return found


def redis(name: str, url: str) -> str:
    """redis://:PASSWORD@HOST:PORT/NUMBER, rediss:// or unix://, or an empty text. Raises ImproperlyConfigured."""
    if not url:
        return url
    use = f"Unexpected value in {name}, use redis://:PASSWORD@HOST:6379/0."
    parts = _split(url, use)
    has_host = parts.scheme in {"redis", "rediss"} and bool(parts.netloc.rpartition("@")[2])
    number = parts.path.removeprefix("/")
    if not (has_host and (number == "" or number.isdecimal())) and parts.scheme != "unix":
        raise ImproperlyConfigured(f"{use} {_ENCODED}")
    return url


def without_password(url: str) -> str:
    """The URL's host and port, or its path."""
    return urlsplit(url).netloc.rpartition("@")[2] or urlsplit(url).path


def passwords(urls: Iterable[str]) -> set[str]:
    """The passwords in the URLs, as they are written and decoded; of what is no URL, none."""
    found = set()
    for url in urls:
        with contextlib.suppress(ValueError):
            if password := urlsplit(url.strip()).password:
                found |= {password, unquote(password)}
    return found


def _require_writable(name: str, file: Path) -> None:
    """SQLite also writes -wal and -shm files beside the database."""
    if not os.access(file.parent, os.W_OK | os.X_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise ImproperlyConfigured(
            f"{name}: SQLite cannot write to {file}. Its folder has to exist, and both have to belong to whoever runs"
            " this."
        )


def _split(url: str, use: str) -> SplitResult:
    """Raises ImproperlyConfigured if an unescaped character of the password makes the URL invalid."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ImproperlyConfigured(f"{use} {_ENCODED}") from None
    hosts = parts.netloc.rpartition("@")[2].split(",")
    ports = [port for host in hosts for _, colon, port in [host.rpartition("]")[2].rpartition(":")] if colon]
    is_cut = "@" in parts.path + parts.query + parts.fragment or parts.fragment
    if is_cut or not all(port.isdecimal() and 0 < int(port) < 65536 for port in ports):
        raise ImproperlyConfigured(f"{use} {_ENCODED}")
    return parts
