"""Spans of a conversation, from the request that starts it to the tokens that browsers have painted.

`config.observability.tracing` sets the exporter; without telemetry, nothing is recorded. A span holds ids, names from
our own lists, counts and codes, but no text of a person or a model. A conversation's row keeps the W3C `traceparent` of
its start, so that all its spans are of one trace, whichever process executes or delivers it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from conversations.domain.errors import OutcryError, ProviderError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SCOPE: Final = "outcry"
# The attribute with the reason why a span's work failed or ended early.
CODE: Final = "outcry.code"

Value = str | int | float | bool | None
ParentContext = Context

_provider: "TracerProvider | None" = None
_tracer: Tracer = trace.NoOpTracer()
_W3C: Final = TraceContextTextMapPropagator()


@dataclass(frozen=True)
class Arrival:
    """The origin of the current work: `http`, `websocket` or `command`, and its `traceparent` header.

    `at` is when an HTTP request arrived, `clicked` when the person clicked, in nanoseconds since 1970. Both are None
    for a WebSocket, whose messages come long after its handshake.
    """

    origin: str
    traceparent: str = ""
    at: int | None = None
    clicked: int | None = None


# Outside of requests and connections.
_COMMAND: Final = Arrival("command")
arrival: ContextVar[Arrival] = ContextVar("arrival", default=_COMMAND)


def use(tracer_provider: "TracerProvider | None") -> "TracerProvider | None":
    """Record spans with this provider from now on, or none with None. Returns the previous provider."""
    global _provider, _tracer
    previous, _provider = _provider, tracer_provider
    _tracer = trace.NoOpTracer() if tracer_provider is None else tracer_provider.get_tracer(SCOPE)
    return previous


def traceparent() -> str:
    """The current span as a W3C `traceparent`; empty without one."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def start() -> Iterator[Span]:
    """Context around the start of a conversation. The span begins at the click, else at the request's arrival. It is
    the root of the conversation's trace, or continues the trace of the request's `traceparent`."""
    came = arrival.get()
    began = came.clicked or came.at
    with _current("start", {"outcry.door": came.origin}, came.traceparent, SpanKind.SERVER, began) as span:
        if came.at is not None:
            span.add_event("arrived", timestamp=came.at)
        yield span


def debate(
    start_traceparent: str, conversation: UUID, run: UUID, attempts: int
) -> AbstractContextManager[Span]:
    """Context around a run; its span is a child of the conversation's start."""
    attributes: dict[str, Value] = {
        "outcry.conversation": str(conversation),
        "outcry.run": str(run),
        "outcry.attempts": attempts,
    }
    return _current("debate", attributes, start_traceparent)


def turn(message: UUID, agent: str, round_: int, provider: str, model: str) -> AbstractContextManager[Span]:
    """Context around a turn, from the request to the model to the end of its answer."""
    attributes: dict[str, Value] = {
        "outcry.message": str(message),
        "outcry.agent": agent,
        "outcry.round": round_,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
    }
    return _current("turn", attributes)


def turn_completed(
    span: Span, input_tokens: int | None, output_tokens: int | None, usd: float | None, streamed: int
) -> None:
    """Set the usage of a turn, None if unknown, and the number of streamed tokens."""
    usage = {
        "gen_ai.usage.input_tokens": input_tokens,
        "gen_ai.usage.output_tokens": output_tokens,
        "outcry.usd": usd,
        "outcry.tokens": streamed,
    }
    span.set_attributes(_known(usage))


def provider() -> "TracerProvider | None":
    """The tracer provider, for libraries that make spans of their own; None without telemetry."""
    return _provider


def current() -> ParentContext | None:
    """The current span as a parent for `record` in another thread; None without telemetry."""
    span = trace.get_current_span()
    return trace.set_span_in_context(span, Context()) if span.is_recording() else None


def record(
    name: str,
    parent: ParentContext | str,
    began: int,
    ended: int,
    attributes: Mapping[str, Value] | None = None,
) -> None:
    """Record a finished span as a child of a parent or a `traceparent`. Times are nanoseconds since 1970."""
    context = _parent(parent) if isinstance(parent, str) else parent
    span = _tracer.start_span(name, context, attributes=_known(attributes or {}), start_time=began)
    # The clocks of two machines may differ by more than the span's duration.
    span.end(max(began, ended))


def failed(code: str) -> None:
    """The current span's work failed or ended early."""
    span = trace.get_current_span()
    span.set_attribute(CODE, code)
    span.set_status(StatusCode.ERROR)


@contextmanager
def _current(
    name: str,
    attributes: Mapping[str, Value],
    traceparent: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    began: int | None = None,
) -> Iterator[Span]:
    """Context around work: a span that is a child of `traceparent`, or of the current span if that is None. An
    exception marks it as failed, with a code."""
    with _tracer.start_as_current_span(
        name,
        None if traceparent is None else _parent(traceparent),
        kind,
        attributes=_known(attributes),
        start_time=began,
        # An exception's message may hold text of a person or a model.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as failure:
            # A code that was set earlier is more specific.
            if CODE not in (getattr(span, "attributes", None) or {}):
                failed(_code(failure))
            raise


def _code(failure: BaseException) -> str:
    match failure:
        case ProviderError():
            return failure.reason
        case OutcryError():
            return failure.code
        case asyncio.CancelledError():
            return "cancelled"
    return type(failure).__name__


def _parent(traceparent: str) -> Context:
    """The context of the `traceparent`; empty if it is invalid, so that the span begins a new trace."""
    return _W3C.extract({"traceparent": traceparent}, Context())


def _known(attributes: Mapping[str, Value]) -> dict[str, str | int | float | bool]:
    return {name: value for name, value in attributes.items() if value is not None}
