"""Settings of the transports: which are enabled, at which paths, and which events each leaves out."""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from itertools import combinations
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.env.parsing import flag, is_http_url, text, words

TRANSPORTS = ("websocket", "sse", "openai", "agui", "a2a")
# Event types that a client can do without; without any other type, it would miss messages or the end.
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

# The site's own pages, its API and its probes.
OWN_PATHS = (
    ".well-known/",
    "account/",
    "accounts/",
    "admin/",
    "api/conversations/",
    "api/datasets/",
    "api/docs/",
    "api/keys/",
    "api/openapi.json/",
    "api/organisations/",
    "api/panels/",
    "api/sources/",
    "api/streaming/",
    "conversations/",
    "dashboard/",
    "healthz/",
    "metrics/",
    "monitor/",
    "o/",
    "readyz/",
    "sample/",
    "static/",
    "teams/",
)
# SSE's default path is below the API's path, which is allowed.
_ADDED = {("sse", "api/conversations/")}
# Characters of a target's URL, which is stored with each delivery.
MAX_TARGET = 500
# Characters of the secret that signs deliveries: as many as 16 random bytes have in hexadecimal.
MIN_SECRET = 32


def transports() -> Sequence[str]:
    """The transports that OUTCRY_TRANSPORTS enables, by default all. Raises ImproperlyConfigured."""
    enabled = words("OUTCRY_TRANSPORTS", ",".join(TRANSPORTS))
    for name in enabled:
        if name not in TRANSPORTS:
            raise ImproperlyConfigured(
                f"Unexpected value in OUTCRY_TRANSPORTS: {name!r}, use some of {', '.join(TRANSPORTS)}."
            )
    return enabled


def path(name: str, default: str) -> str:
    """A path without a leading slash and with a trailing one, as Django's routes have them. Raises
    ImproperlyConfigured."""
    value = text(name, default)
    if not re.fullmatch(r"([A-Za-z0-9._~-]+/)+", value):
        raise ImproperlyConfigured(
            f"Unexpected value {name}={value!r}, use a path that ends with a slash, such as {default}."
        )
    return value


def require_apart(enabled: Sequence[str], **paths: str) -> None:
    """Raises ImproperlyConfigured if the path of an enabled HTTP transport overlaps with another one's or with the
    site's own paths. A WebSocket's path may overlap with any."""
    paths = {name: path for name, path in paths.items() if name in enabled}
    settings = {name: f"OUTCRY_{name.upper()}_PATH={path}" for name, path in paths.items()}
    for name, path in paths.items():
        for own in OWN_PATHS:
            if _overlap(path, own) and (name, path) not in _ADDED:
                raise ImproperlyConfigured(
                    f"{settings[name]} would hide the site's own addresses at {own}: use another."
                )
    for one, other in combinations(paths, 2):
        if _overlap(paths[one], paths[other]):
            raise ImproperlyConfigured(
                f"{settings[one]} and {settings[other]} overlap, and one would hide the other: use paths of which none"
                " begins with the other."
            )


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def left_out() -> dict[str, frozenset[str]]:
    """The event types that each transport leaves out, from OUTCRY_EVENTS. Raises ImproperlyConfigured."""
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
    return {transport: frozenset(types) for transport, types in kinds.items()}


def cross_origin_paths(*paths: str) -> str:
    """A regular expression of the URL paths that other sites' pages may call: the API, these paths, and the agent
    card."""
    prefixes = [re.escape(path) for path in ("api/", *paths)]
    return rf"^/({'|'.join(prefixes)}|\.well-known/agent-card\.json$)"


def targets() -> Sequence[str]:
    """The URLs of OUTCRY_A2A_TARGETS, each once. Raises ImproperlyConfigured, also for http:// to another machine,
    unless OUTCRY_A2A_ALLOW_HTTP allows it."""
    urls = words("OUTCRY_A2A_TARGETS")
    allows_http = flag("OUTCRY_A2A_ALLOW_HTTP", default=False)
    for url in urls:
        if not is_http_url(url) or len(url) > MAX_TARGET:
            raise ImproperlyConfigured(
                f"Unexpected value in OUTCRY_A2A_TARGETS: {url!r}, use addresses such as https://agent.example/path,"
                " without a user, a query or a fragment."
            )
        if not (allows_http or _is_private(url)):
            raise ImproperlyConfigured(
                f"OUTCRY_A2A_TARGETS: {url!r} would send debates unencrypted; use https://, or set"
                " OUTCRY_A2A_ALLOW_HTTP=true in a network that you trust."
            )
    return [*dict.fromkeys(url.rstrip("/") for url in urls)]


def a2a_secret() -> str:
    """OUTCRY_A2A_SECRET, or empty. Raises ImproperlyConfigured, without repeating the secret."""
    secret = text("OUTCRY_A2A_SECRET")
    if secret and len(secret) < MIN_SECRET:
        raise ImproperlyConfigured(
            f"Unexpected value in OUTCRY_A2A_SECRET, use {MIN_SECRET} or more characters."
        )
    return secret


def _is_private(url: str) -> bool:
    """Whether nobody on a network can read what is sent there: it is https, or this machine."""
    parts = urlsplit(url)
    try:
        return parts.scheme == "https" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"
