"""Where spans go: settings that are refused, what leaves the machine, and that nothing happens where it is off."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest
from django.core.exceptions import ImproperlyConfigured
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from pytest_django import Settings
from structlog.testing import capture_logs

from config.env.telemetry import is_telemetry_on
from config.observability import span_export
from config.observability import tracing as telemetry
from config.observability.logs import add_span_ids
from conversations.domain.errors import LimitReached, ProviderError
from conversations.infrastructure import tracing
from conversations.infrastructure.availability import COLLECTOR
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support.servers import ROOT

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


# Settings


def test_without_a_collector_there_is_no_telemetry() -> None:
    assert not is_telemetry_on()


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({ENDPOINT: "http://collector:4318"}, "http://collector:4318/v1/traces"),
        ({ENDPOINT: "https://collector/otlp/"}, "https://collector/otlp/v1/traces"),
        ({ENDPOINT: "http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/in"}, "http://b/in"),
    ],
)
def test_a_collector_switches_it_on(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], address: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert is_telemetry_on()
    assert OTLPSpanExporter()._endpoint == address
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not is_telemetry_on()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (ENDPOINT, "collector:4318"),
        (ENDPOINT, "grpc://collector:4317"),
        (ENDPOINT, "http://"),
        (ENDPOINT, "http://collector:port"),
        (ENDPOINT, "http://me:secret@collector"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_RESOURCE_ATTRIBUTES", "floor"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("OTEL_TRACES_SAMPLER_ARG", "half"),
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
    ],
)
def test_a_wrong_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(ENDPOINT, "http://collector:4318")
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name) as refused:
        is_telemetry_on()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("sampler", "description"),
    [
        ("", "ParentBased{root:AlwaysOnSampler"),
        ("always_on", "AlwaysOnSampler"),
        ("always_off", "AlwaysOffSampler"),
        ("traceidratio", "TraceIdRatioBased{0.25}"),
        ("parentbased_always_off", "ParentBased{root:AlwaysOffSampler"),
        ("parentbased_traceidratio", "ParentBased{root:TraceIdRatioBased{0.25}"),
    ],
)
def test_sampler_is_the_configured_one(
    monkeypatch: pytest.MonkeyPatch, sampler: str, description: str
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://collector:4318")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    provider = span_export.provider("web", InMemorySpanExporter())
    assert provider.sampler.get_description().startswith(description)
    provider.shutdown()


# Off


def test_nothing_is_loaded_or_started_without_telemetry() -> None:
    code = (
        "import django, sys, threading; django.setup()\n"
        "from config import asgi; from config.observability import tracing as telemetry\n"
        "from conversations.infrastructure import tracing\n"
        "telemetry.begin('web')\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.exporter')]\n"
        "assert 'config.observability.span_export' not in sys.modules\n"
        "assert [thread.name for thread in threading.enumerate()] == ['MainThread']\n"
        "assert tracing.provider() is None and telemetry.traced(asgi) is asgi\n"
        "with tracing.start() as span:\n"
        "    assert not span.is_recording() and tracing.traceparent() == '' and tracing.current() is None\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


# What leaves the machine


def test_start_continues_the_trace_of_its_request(recorded: InMemorySpanExporter) -> None:
    with tracing.start():
        own = tracing.traceparent()
    held = tracing.arrival.set(tracing.Arrival("http", f"00-{TRACE}-{PARENT}-01", 1_000))
    with tracing.start():
        kept = tracing.traceparent()
    tracing.arrival.reset(held)
    assert own.split("-")[1] != TRACE
    assert kept.split("-")[1] == TRACE
    _, named = recorded.get_finished_spans()
    assert named.parent is not None
    assert f"{named.parent.span_id:016x}" == PARENT
    # It begins with the request.
    assert named.start_time == 1_000


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("12.5", 0.0125),
        ("0", 0),
        ("60000", 60),
        ("60001", 0),
        ("-5", 0),
        ("1e3", 0),
        ("nan", 0),
        ("9" * 400, 0),
        ("", 0),
        ("५", 0),
    ],
)
async def test_start_begins_with_the_click(
    recorded: InMemorySpanExporter, settings: Settings, said: str, seconds: float
) -> None:
    settings.OUTCRY_TELEMETRY = True

    async def start(*_: object) -> None:
        with tracing.start():
            pass

    headers = [(b"x-clicked-ms-ago", said.encode())]
    await telemetry.traced(start)({"type": "http", "headers": headers}, None, None)
    [span] = recorded.get_finished_spans()
    [arrived] = span.events
    assert arrived.name == "arrived"
    assert span.start_time is not None
    assert arrived.timestamp - span.start_time == round(seconds * 1e9)


async def test_repeated_traceparent_counts_as_none(
    recorded: InMemorySpanExporter, settings: Settings
) -> None:
    settings.OUTCRY_TELEMETRY = True

    async def start(*_: object) -> None:
        with tracing.start():
            pass

    header = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())
    for headers in ([header], [header, header]):
        await telemetry.traced(start)({"type": "websocket", "headers": headers}, None, None)
    once, twice = recorded.get_finished_spans()
    assert once.parent is not None
    assert twice.parent is None


@pytest.mark.parametrize("given", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", "00-ü"])
def test_start_without_traceparent_begins_a_trace(recorded: InMemorySpanExporter, given: str) -> None:
    held = tracing.arrival.set(tracing.Arrival("websocket", given))
    with tracing.start():
        pass
    tracing.arrival.reset(held)
    [span] = recorded.get_finished_spans()
    assert span.parent is None


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (LimitReached("alice has no more."), "limit_reached"),
        (ProviderError("provider_down", "alice's model is down.", retryable=True), "provider_down"),
        (RuntimeError("alice said so"), "RuntimeError"),
    ],
)
def test_failure_is_recorded_by_its_code(
    recorded: InMemorySpanExporter, failure: Exception, code: str
) -> None:
    with pytest.raises(type(failure)), tracing.start():
        raise failure
    [span] = recorded.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["outcry.code"] == code
    assert span.status.status_code is StatusCode.ERROR
    assert "alice" not in span.to_json()


def _left(recorded: InMemorySpanExporter) -> ReadableSpan:
    [span] = recorded.get_finished_spans()
    return span_export.allowed(span)


def test_unlisted_attributes_are_not_exported(recorded: InMemorySpanExporter) -> None:
    provider = tracing.provider()
    assert provider is not None
    tracer = provider.get_tracer(span_export.AG2_SCOPE)
    with suppress(ValueError), tracer.start_as_current_span("execute_tool alice") as span:
        span.set_attribute("gen_ai.input.messages", "alice")
        span.set_attribute("gen_ai.response.model", "/home/alice/model.gguf")
        span.set_attribute("gen_ai.usage.input_tokens", 7)
        span.add_event("said", {"text": "alice"})
        raise ValueError("alice")
    left = _left(recorded)
    assert "alice" not in left.to_json()
    assert (left.name, dict(left.attributes or {})) == ("execute_tool", {"gen_ai.usage.input_tokens": 7})
    assert left.status.status_code is StatusCode.ERROR
    assert [event.name for event in left.events] == ["said", "exception"]
    assert dict(left.events[1].attributes or {}) == {"exception.type": "ValueError"}


def test_log_line_has_the_ids_of_its_span(recorded: InMemorySpanExporter) -> None:
    assert add_span_ids(None, "info", {"event": "outside"}) == {"event": "outside"}
    with tracing.start():
        line = add_span_ids(None, "info", {"event": "inside"})
        assert tracing.traceparent().startswith(f"00-{line['trace_id']}-{line['span_id']}-")


# A collector that is away


class Away(SpanExporter):
    """Takes nothing, and lets nobody go before it is told to."""

    def __init__(self) -> None:
        self.asked, self.let = threading.Event(), threading.Event()
        self.gave_up = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.gave_up = not self.let.wait(PATIENCE_SECONDS)
        return SpanExportResult.FAILURE


@pytest.fixture
def away() -> Iterator[Away]:
    exporter = Away()
    tracing.use(span_export.provider("web", exporter))
    yield exporter
    exporter.let.set()
    telemetry.end()
    for thread in threading.enumerate():
        if thread.name == "telemetry-end":
            thread.join()
    COLLECTOR.reset()


def test_end_does_not_wait_for_a_hanging_collector(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "FLUSH_SECONDS", 0.01)
    with tracing.start():
        pass
    telemetry.end()
    assert away.asked.wait(PATIENCE_SECONDS)
    assert not away.gave_up
    assert tracing.provider() is None


def test_outage_of_the_collector_is_logged_once(away: Away) -> None:
    away.let.set()
    provider = tracing.provider()
    assert provider is not None
    with capture_logs() as lines:
        for _ in range(3):
            with tracing.start():
                pass
            provider.force_flush()
    assert [line["event"] for line in lines] == ["telemetry_collector_away"]
