"""A stand-in for an OpenTelemetry collector: takes spans by OTLP over HTTP, and keeps them as they came."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.fakes.listening import listening
from tests.fakes.waiting import Signal


@dataclass(frozen=True)
class Span:
    """One span, with its ids in hexadecimal digits; `times` are those of its events. Nanoseconds since 1970."""

    name: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    has_failed: bool
    values: Mapping[str, Any]
    times: Mapping[str, int]
    scope: str
    resource: Mapping[str, Any]

    @property
    def events(self) -> tuple[str, ...]:
        return tuple(self.times)


@dataclass
class Collector:
    """`bodies` are the requests as they were decoded from their compression; `headers` are the last one's,
    by lower-case name."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    changed: Signal = field(default_factory=Signal)

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def below(self, span: Span) -> list[Span]:
        """Its children, the first to begin first."""
        return sorted((each for each in self.spans if each.parent == span.id), key=lambda each: each.began)

    async def until(self, true: Callable[[], object], seconds: float) -> None:
        await self.changed.until(true, seconds)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _values(group.resource.attributes)
            for scoped in group.scope_spans:
                self.spans += [_span(each, scoped.scope.name, resource) for each in scoped.spans]
        self.changed.notify()
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector in the event loop of the test."""
    collector = Collector()
    async with listening(collector.take, "POST", "/v1/traces") as collector.url:
        yield collector


def _span(span: Any, scope: str, resource: Mapping[str, Any]) -> Span:
    return Span(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        has_failed=span.status.code == 2,
        values=_values(span.attributes),
        times={event.name: event.time_unix_nano for event in span.events},
        scope=scope,
        resource=resource,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}
