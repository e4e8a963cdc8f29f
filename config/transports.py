"""Settings of the transports: which are on, where they are, and which events each leaves out."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment import text, words

TRANSPORTS = ("websocket", "sse", "openai", "agui", "a2a")
# A conversation can be followed without these. Without any other it cannot be told what was said, or that it is over.
OPTIONAL_EVENTS = (
    "control",
    "error",
    "fallback",
    "human_message",
    "input_expired",
    "input_request",
    "routing",
    "token",
    "tool_end",
    "tool_error",
    "tool_start",
)


def transports() -> Sequence[str]:
    """OUTCRY_TRANSPORTS. Raises ImproperlyConfigured."""
    named = words("OUTCRY_TRANSPORTS", ",".join(TRANSPORTS))
    for name in named:
        if name not in TRANSPORTS:
            raise ImproperlyConfigured(
                f"Unexpected value in OUTCRY_TRANSPORTS: {name!r}, use some of {', '.join(TRANSPORTS)}."
            )
    return named


def path(name: str, default: str) -> str:
    """A path of the site, without its first slash and with its last. Raises ImproperlyConfigured."""
    value = text(name, default)
    if not re.fullmatch(r"([A-Za-z0-9._~-]+/)+", value):
        raise ImproperlyConfigured(
            f"Unexpected value {name}={value!r}, use a path that ends with a slash, such as {default}."
        )
    return value


def left_out() -> dict[str, frozenset[str]]:
    """The kinds of events that each transport leaves out, by OUTCRY_EVENTS. Raises ImproperlyConfigured."""
    kinds: dict[str, set[str]] = {}
    for word in words("OUTCRY_EVENTS"):
        transport, _, kind = word.partition(":-")
        if transport not in TRANSPORTS or kind not in OPTIONAL_EVENTS:
            raise ImproperlyConfigured(
                f"Unexpected value in OUTCRY_EVENTS: {word!r}, use TRANSPORT:-KIND such as sse:-tool_start; a transport"
                f" is one of {', '.join(TRANSPORTS)}, and a kind that can be left out one of"
                f" {', '.join(OPTIONAL_EVENTS)}."
            )
        kinds.setdefault(transport, set()).add(kind)
    return {transport: frozenset(left) for transport, left in kinds.items()}


def cross_origin_paths(*paths: str) -> str:
    """The addresses that other sites' pages may call, as a regular expression."""
    known = [re.escape(path) for path in ("api/", *paths)]
    return rf"^/({'|'.join(known)}|\.well-known/agent-card\.json$)"


def targets() -> Sequence[str]:
    """OUTCRY_A2A_TARGETS, each once. Raises ImproperlyConfigured."""
    named = words("OUTCRY_A2A_TARGETS")
    for target in named:
        if not _is_address(target):
            raise ImproperlyConfigured(
                f"Unexpected value in OUTCRY_A2A_TARGETS: {target!r}, use addresses such as https://agent.example/path,"
                " without a user, a query or a fragment."
            )
    return [*dict.fromkeys(target.rstrip("/") for target in named)]


def _is_address(target: str) -> bool:
    try:
        parts = urlsplit(target)
        parts.port  # noqa: B018 (raises where it is none)
    except ValueError:
        return False
    allowed = parts.scheme in {"http", "https"} and bool(parts.hostname) and len(target) <= 500
    return allowed and not (parts.username or parts.password or parts.query or parts.fragment)
