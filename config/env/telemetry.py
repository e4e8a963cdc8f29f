"""Settings of telemetry, read from the environment."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.env.parsing import choice, flag, number, text, whole

SAMPLERS: Final = (
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
    "always_on",
    "always_off",
    "traceidratio",
)


@dataclass(frozen=True)
class Telemetry:
    """Where spans go, how, and which. `ratio` is of the samplers that have one."""

    endpoint: str
    service: str
    sampler: str
    ratio: float
    compression: str
    timeout: float
    delay_ms: int
    queue: int
    batch: int


def telemetry() -> Telemetry | None:
    """None where no collector is given, or it is switched off. Raises ImproperlyConfigured, which repeats nothing that
    may hold a password."""
    endpoint = _endpoint()
    _require_pairs("OTEL_EXPORTER_OTLP_HEADERS", text("OTEL_EXPORTER_OTLP_HEADERS"))
    _require_pairs("OTEL_RESOURCE_ATTRIBUTES", text("OTEL_RESOURCE_ATTRIBUTES"))
    choice("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", ("http/protobuf",))
    found = Telemetry(
        endpoint=endpoint,
        service=text("OTEL_SERVICE_NAME", "outcry"),
        sampler=choice("OTEL_TRACES_SAMPLER", SAMPLERS[0], SAMPLERS),
        ratio=_ratio(),
        compression=choice("OTEL_EXPORTER_OTLP_COMPRESSION", "none", ("none", "gzip", "deflate")),
        timeout=number("OTEL_EXPORTER_OTLP_TIMEOUT", 10, least=0.1),
        delay_ms=whole("OTEL_BSP_SCHEDULE_DELAY", 5_000, least=1),
        queue=whole("OTEL_BSP_MAX_QUEUE_SIZE", 2_048, least=1),
        batch=whole("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, least=1),
    )
    if found.batch > found.queue:
        raise ImproperlyConfigured(
            f"Unexpected value OTEL_BSP_MAX_EXPORT_BATCH_SIZE={found.batch},"
            f" use at most OTEL_BSP_MAX_QUEUE_SIZE, which is {found.queue}."
        )
    is_off = flag("OTEL_SDK_DISABLED", default=False)
    return None if is_off or not endpoint else found


def _endpoint() -> str:
    """Where traces are sent to; empty where nowhere is."""
    if whole_address := text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        _require_address("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", whole_address)
        return whole_address
    if address := text("OTEL_EXPORTER_OTLP_ENDPOINT"):
        _require_address("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        return f"{address.rstrip('/')}/v1/traces"
    return ""


def _require_address(name: str, value: str) -> None:
    try:
        parts = urlsplit(value)
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or parts.username is not None or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            f"Unexpected value in {name}, use http://HOST:4318 or https://HOST; a password belongs into"
            " OTEL_EXPORTER_OTLP_HEADERS."
        )


def _require_pairs(name: str, value: str) -> None:
    if value and not all(re.fullmatch(r"\s*[^\s=,]+\s*=[^,]*", pair) for pair in value.split(",")):
        raise ImproperlyConfigured(f"Unexpected value in {name}, use NAME=VALUE,NAME=VALUE.")


def _ratio() -> float:
    ratio = number("OTEL_TRACES_SAMPLER_ARG", 1.0)
    if ratio > 1:
        raise ImproperlyConfigured(
            f"Unexpected value OTEL_TRACES_SAMPLER_ARG={ratio:g}, use a number from 0 to 1."
        )
    return ratio
