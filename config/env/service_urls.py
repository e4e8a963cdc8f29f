"""The stores' URLs. An error names the setting without its value, which may hold a password."""

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_POSTGRES: Final = {"postgres", "postgresql"}
_ENCODED: Final = "Characters such as @ : / ? # % in a password are written as %40 %3A %2F %3F %23 %25."


def database(name: str, url: str) -> dict[str, Any]:
    """Django's settings for sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME. Raises ImproperlyConfigured."""
    use = f"Unexpected value in {name}, use sqlite:///PATH or postgresql://USER:PASSWORD@HOST:5432/NAME."
    parts = _split(url, use)
    if parts.scheme == "sqlite":
        # sqlite:// and sqlite:PATH would be a database in memory, or another file.
        usable = url.startswith("sqlite:///") and len(parts.path) > 1
    else:
        usable = parts.scheme in _POSTGRES and len(parts.path) > 1
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
