"""Traces by OpenTelemetry, where a collector is given: settings, the way out, and what is left out on it.

The variables are OpenTelemetry's own. They are read here, because a wrong value stops the start; the SDK would go on
with a default. Our provider is not made the global one, so that no library but AG2, which is given it, makes spans.
"""

import atexit
import os
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from config.env.telemetry import Telemetry

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.sdk.trace.sampling import Sampler

# A process that ends waits no longer for its collector.
FLUSH_SECONDS: Final = 5.0
# What the page says of its own clock, and the most that is believed.
CLICKED: Final = b"x-clicked-ms-ago"
LONGEST_CLICK_MS: Final = 60_000
AG2: Final = "opentelemetry.instrumentation.ag2"
# What may leave this machine with a span. Whatever else a library puts into one, in this release or the next, stays.
ATTRIBUTES: Final = frozenset(
    {
        "outcry.agent",
        "outcry.attempts",
        "outcry.code",
        "outcry.conversation",
        "outcry.door",
        "outcry.message",
        "outcry.round",
        "outcry.rows",
        "outcry.run",
        "outcry.seq",
        "outcry.tokens",
        "outcry.transport",
        "outcry.usd",
        "ag2.span.type",
        "ag2.usage.kind",
        "ag2.usage.total_tokens",
        "exception.type",
        "gen_ai.agent.name",
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.thinking_tokens",
    }
)


_begun: "TracerProvider | None" = None


def begin(role: str) -> None:
    """Name what this process is, `web` or `worker`; and open the way out, once, where a collector is given."""
    global _begun
    from django.conf import settings

    from conversations.infrastructure import metrics, tracing

    metrics.role = role
    wanted: Telemetry | None = settings.OUTCRY_TELEMETRY
    if wanted is None or _begun is not None:
        return
    # Not before: where nothing is sent, this is not loaded.
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(
        wanted.endpoint, timeout=wanted.timeout, compression=Compression(wanted.compression)
    )
    _begun = provider(wanted, role, exporter)
    tracing.use(_begun)
    # For whoever ends without a word; a server that is told to stop calls `end` itself.
    atexit.register(end)


def provider(wanted: Telemetry, role: str, exporter: "SpanExporter") -> "TracerProvider":
    """The whole way from a span to its exporter."""
    from django.conf import settings
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {"service.name": wanted.service, "service.version": settings.OUTCRY_VERSION, "outcry.role": role}
    named["service.instance.id"] = f"{os.uname().nodename}:{os.getpid()}"
    made = TracerProvider(_sampler(wanted), Resource.create(named), shutdown_on_exit=False)
    made.add_span_processor(
        BatchSpanProcessor(_discreet(exporter), wanted.queue, wanted.delay_ms, wanted.batch)
    )
    return made


def end() -> None:
    """Send what is left, as far as the collector takes it soon. What is recorded later is lost. Blocks."""
    global _begun
    from conversations.infrastructure import tracing

    ending, _begun = _begun, None
    if ending is not None:
        tracing.use(None)
        # The SDK would wait for half a minute.
        last = threading.Thread(target=ending.shutdown, name="telemetry-end", daemon=True)
        last.start()
        last.join(FLUSH_SECONDS)


def _sampler(wanted: Telemetry) -> "Sampler":
    from opentelemetry.sdk.trace import sampling

    match wanted.sampler.removeprefix("parentbased_"):
        case "always_on":
            root: Sampler = sampling.ALWAYS_ON
        case "always_off":
            root = sampling.ALWAYS_OFF
        case _:
            root = sampling.TraceIdRatioBased(wanted.ratio)
    return sampling.ParentBased(root) if wanted.sampler.startswith("parentbased_") else root


def _discreet(exporter: "SpanExporter") -> "SpanExporter":
    """The same exporter, behind one that leaves out what is not on the list, and every word of an exception."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    from conversations.infrastructure.availability import COLLECTOR

    class Discreet(SpanExporter):
        def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
            result = exporter.export([plain(span) for span in spans])
            if result is SpanExportResult.SUCCESS:
                COLLECTOR.worked("export")
            else:
                COLLECTOR.failed("export", ConnectionError("The collector did not take a batch of spans."))
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return Discreet()


def plain(span: "ReadableSpan") -> "ReadableSpan":
    """The span with nothing in it that a person or a model may have written."""
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Link, Status

    scope = span.instrumentation_scope
    return ReadableSpan(
        # AG2 names a tool's span as the model called the tool.
        span.name if scope is None or scope.name != AG2 else _name(span),
        span.context,
        span.parent,
        span.resource,
        _listed(span.attributes),
        [Event(event.name, _listed(event.attributes), event.timestamp) for event in span.events],
        [Link(link.context) for link in span.links],
        span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=scope,
    )


def _name(span: "ReadableSpan") -> str:
    does = span.name.partition(" ")[0]
    is_ours = does in {"invoke_agent", "chat", "await_human_input"}
    return span.name if is_ours else does


def _listed(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (attributes or {}).items() if name in ATTRIBUTES}


def traced(application: Any) -> Any:
    """The ASGI application, which from now on notes where requests say that they come from; the very same where
    telemetry is off."""
    from django.conf import settings

    return application if settings.OUTCRY_TELEMETRY is None else Traced(application)


class Traced:
    """ASGI middleware: W3C's `traceparent` of each request and connection."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if (door := scope["type"]) not in {"http", "websocket"}:
            await self._application(scope, receive, send)
            return
        from conversations.infrastructure import tracing

        at = tracing.now() if door == "http" else None
        clicked = None if at is None else at - tracing.nanoseconds(_seconds_since_click(scope["headers"]))
        came = tracing.Arrival(_traceparent(scope["headers"]), at, door, clicked)
        held = tracing.arrival.set(came)
        try:
            await self._application(scope, receive, send)
        finally:
            tracing.arrival.reset(held)


def _seconds_since_click(headers: Iterable[tuple[bytes, bytes]]) -> float:
    """Between a person's click and the browser's sending of the request, by the page's own clock; 0 where it says
    none, or what cannot be."""
    said = next((value for name, value in headers if name.lower() == CLICKED), b"")
    # Digits only: no other text that Python takes for a number.
    milliseconds = float(said) if re.fullmatch(rb"[0-9]{1,6}(\.[0-9]{1,3})?", said) else 0.0
    return milliseconds / 1000 if milliseconds <= LONGEST_CLICK_MS else 0.0


def _traceparent(headers: Iterable[tuple[bytes, bytes]]) -> str:
    given = [value for name, value in headers if name.lower() == b"traceparent"]
    # More than one is none, as W3C has it.
    return given[0].decode("latin-1") if len(given) == 1 else ""
