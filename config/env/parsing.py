"""Reads settings from the environment. A wrong value raises an error that names the setting and its rule."""

import math
import os
import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T", int, float)
D = TypeVar("D", int, float, None)


def text(name: str, default: str = "") -> str:
    """The value without surrounding space; an empty one counts as not set."""
    return os.environ.get(name, "").strip() or default


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def flag(name: str, *, default: bool) -> bool:
    """`true` or `false`. Raises ImproperlyConfigured on anything else."""
    value = text(name, str(default)).lower()
    if value not in {"true", "false"}:
        raise ImproperlyConfigured(f"Unexpected value {name}={value!r}, use 'true' or 'false'.")
    return value == "true"


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    """One of the allowed values. Raises ImproperlyConfigured on any other."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(
            f"Unexpected value {name}={value!r}, use {' or '.join(map(repr, allowed))}."
        )
    return value


def whole(name: str, default: D, *, least: int = 0) -> int | D:
    """A whole number of at least `least`. Raises ImproperlyConfigured."""
    return _number(int, "a whole number", name, default, least)


def number(name: str, default: D, *, least: float = 0, most: float = math.inf) -> float | D:
    """A finite number from `least` to `most`. Raises ImproperlyConfigured."""
    return _number(float, "a number", name, default, least, most)


def is_http_url(value: str) -> bool:
    """Whether it is an http or https URL with a host, and without user, password, query and fragment."""
    try:
        parts = urlsplit(value)
        has_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_address and parts.username is None and not (parts.query or parts.fragment)


def rate(name: str, default: str) -> str:
    """A rate limit such as 30/minute. Raises ImproperlyConfigured."""
    value = text(name, default)
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour|day)", value):
        raise ImproperlyConfigured(
            f"Unexpected value {name}={value!r}, use NUMBER/second, /minute, /hour or /day, such as {default}."
        )
    return value


def _number(
    convert: Callable[[str], T], kind: str, name: str, default: D, least: T, most: float = math.inf
) -> T | D:
    value = text(name)
    if not value:
        return default
    try:
        converted = convert(value)
    except ValueError:
        converted = None
    if converted is None or not least <= converted <= most or converted == math.inf:
        within = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
        raise ImproperlyConfigured(f"Unexpected value {name}={value!r}, use {kind} {within}.")
    return converted
