"""Exports spans, without attributes that are not on an allowlist. Loaded only if telemetry is on.

The SDK reads its own variables (OTEL_EXPORTER_OTLP_..., OTEL_TRACES_SAMPLER, OTEL_BSP_..., OTEL_RESOURCE_ATTRIBUTES);
`config.env.telemetry` has checked them.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status

from config.env.parsing import text
from conversations.infrastructure.availability import COLLECTOR

AG2_SCOPE: Final = "opentelemetry.instrumentation.ag2"
AG2_SPANS: Final = frozenset({"invoke_agent", "chat", "await_human_input"})
# The attributes that are exported. Any other that a library records, now or in a later release, is dropped.
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


def provider(role: str, exporter: SpanExporter | None = None) -> TracerProvider:
    """The tracer provider of this process, a `web` or a `worker`; a thread exports its spans in batches."""
    resource = Resource.create(
        {
            "service.name": text("OTEL_SERVICE_NAME", "outcry"),
            "service.version": settings.OUTCRY_VERSION,
            "service.instance.id": f"{os.uname().nodename}:{os.getpid()}",
            "outcry.role": role,
        }
    )
    tracer_provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    allowlist = AllowlistExporter(exporter or OTLPSpanExporter())
    tracer_provider.add_span_processor(BatchSpanProcessor(allowlist))
    return tracer_provider


class AllowlistExporter(SpanExporter):
    """Exports spans with allowed attributes only, and logs an outage of the collector once."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export([allowed(span) for span in spans])
        if result is SpanExportResult.SUCCESS:
            COLLECTOR.worked("export")
        else:
            COLLECTOR.failed("export", ConnectionError("The collector did not take a batch of spans."))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def allowed(span: ReadableSpan) -> ReadableSpan:
    """The span without any text of a person or a model."""
    return ReadableSpan(
        _name(span),
        span.context,
        span.parent,
        span.resource,
        _listed(span.attributes),
        [Event(event.name, _listed(event.attributes), event.timestamp) for event in span.events],
        [Link(link.context) for link in span.links],
        span.kind,
        # Without its description, which may hold an exception's message.
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _name(span: ReadableSpan) -> str:
    """The span's name. AG2's `execute_tool NAME` is cut, because NAME is text of the model."""
    operation = span.name.partition(" ")[0]
    scope = span.instrumentation_scope
    return operation if scope and scope.name == AG2_SCOPE and operation not in AG2_SPANS else span.name


def _listed(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (attributes or {}).items() if name in ATTRIBUTES}
