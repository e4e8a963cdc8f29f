"""Who may read /metrics: clients that send a token, or whose address is in given networks."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from django.core.exceptions import ImproperlyConfigured

MIN_CHARACTERS = 16


def metrics_token(value: str) -> str:
    """The token, or empty. Raises ImproperlyConfigured, without repeating the token."""
    if value and (len(value) < MIN_CHARACTERS or not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", value)):
        raise ImproperlyConfigured(
            f"Unexpected value in OUTCRY_METRICS_TOKEN, use {MIN_CHARACTERS} or more of: letters, digits, ._~+/=-"
        )
    return value


def metrics_networks(values: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    """Networks such as 10.0.0.0/8, or single addresses. Raises ImproperlyConfigured."""
    return [_network(value) for value in values]


def _network(value: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value)
    except ValueError as failure:
        raise ImproperlyConfigured(
            f"Unexpected value {value!r} in OUTCRY_METRICS_NETWORKS: {failure}; use networks such as 10.0.0.0/8."
        ) from None
