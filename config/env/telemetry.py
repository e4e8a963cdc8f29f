"""Settings of telemetry: who may read /metrics, and OpenTelemetry's own variables.

OpenTelemetry's SDK would replace a wrong value by a default; here it stops the start.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from config.env.parsing import choice, flag, is_http_url, number, text, whole

MIN_TOKEN_CHARACTERS: Final = 16
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SAMPLERS: Final = (
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
    "always_on",
    "always_off",
    "traceidratio",
)


def metrics_token(value: str) -> str:
    """The token that opens /metrics, or empty. Raises ImproperlyConfigured, without repeating the token."""
    if value and (len(value) < MIN_TOKEN_CHARACTERS or not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", value)):
        raise ImproperlyConfigured(
            f"Unexpected value in OUTCRY_METRICS_TOKEN, use {MIN_TOKEN_CHARACTERS} or more of: letters, digits, ._~+/=-"
        )
    return value


def metrics_networks(values: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    """The networks, such as 10.0.0.0/8, or single addresses that may read /metrics without a token. Raises
    ImproperlyConfigured."""
    return [_network(value) for value in values]


def _network(value: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value)
    except ValueError as failure:
        raise ImproperlyConfigured(
            f"Unexpected value {value!r} in OUTCRY_METRICS_NETWORKS: {failure}; use networks such as 10.0.0.0/8."
        ) from None


def is_telemetry_on() -> bool:
    """Whether a collector is configured, and OTEL_SDK_DISABLED is not true. Raises ImproperlyConfigured, without values
    that may hold a password."""
    for name in ENDPOINTS:
        _require_url(name)
    for name in ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES"):
        _require_pairs(name)
    choice("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", ("http/protobuf",))
    choice("OTEL_EXPORTER_OTLP_COMPRESSION", "none", ("none", "gzip", "deflate"))
    choice("OTEL_TRACES_SAMPLER", SAMPLERS[0], SAMPLERS)
    number("OTEL_TRACES_SAMPLER_ARG", 1.0, most=1)
    number("OTEL_EXPORTER_OTLP_TIMEOUT", 10, least=0.1)
    whole("OTEL_BSP_SCHEDULE_DELAY", 5_000, least=1)
    queue = whole("OTEL_BSP_MAX_QUEUE_SIZE", 2_048, least=1)
    batch = whole("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, least=1)
    if batch > queue:
        raise ImproperlyConfigured(
            f"Unexpected value OTEL_BSP_MAX_EXPORT_BATCH_SIZE={batch},"
            f" use at most OTEL_BSP_MAX_QUEUE_SIZE, which is {queue}."
        )
    is_disabled = flag("OTEL_SDK_DISABLED", default=False)
    return any(map(text, ENDPOINTS)) and not is_disabled


def _require_url(name: str) -> None:
    if (value := text(name)) and not is_http_url(value):
        raise ImproperlyConfigured(
            f"Unexpected value in {name}, use http://HOST:4318 or https://HOST; a password belongs into"
            " OTEL_EXPORTER_OTLP_HEADERS."
        )


def _require_pairs(name: str) -> None:
    value = text(name)
    if value and not all(re.fullmatch(r"\s*[^\s=,]+\s*=[^,]*", pair) for pair in value.split(",")):
        raise ImproperlyConfigured(f"Unexpected value in {name}, use NAME=VALUE,NAME=VALUE.")
