"""Settings of the transports: which are on, where they are, and which events each leaves out."""

import re
from collections.abc import Sequence
from itertools import combinations
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.env.parsing import text, words

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

# Where the site's own pages, its API and its probes are.
OWN = (
    ".well-known/",
    "account/",
    "accounts/",
    "admin/",
    "api/conversations/",
    "api/docs/",
    "api/keys/",
    "api/openapi.json/",
    "api/streaming/",
    "conversations/",
    "healthz/",
    "metrics/",
    "monitor/",
    "readyz/",
    "static/",
)
# A transport adds addresses to the API's.
_ADDED = {("sse", "api/conversations/")}


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


def require_apart(on: Sequence[str], **paths: str) -> None:
    """None of these transports, of those that are on, hides another one's addresses or the site's own. Those that
    answer HTTP, that is; a WebSocket may stand anywhere. Raises ImproperlyConfigured."""
    told = {name: f"OUTCRY_{name.upper()}_PATH={path}" for name, path in paths.items() if name in on}
    for name, said in told.items():
        for own in OWN:
            if _overlap(paths[name], own) and (name, paths[name]) not in _ADDED:
                raise ImproperlyConfigured(
                    f"{said} would hide the site's own addresses at {own}: use another."
                )
    for one, other in combinations(told, 2):
        if _overlap(paths[one], paths[other]):
            raise ImproperlyConfigured(
                f"{told[one]} and {told[other]} overlap, and one would hide the other: use paths of which none begins"
                " with the other."
            )


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


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
