"""Spans of what happens to a conversation, where telemetry is on: from the request that starts it to the words that
browsers have painted. `config.telemetry` says where they go.

Nothing that a person or a model wrote is put into one: ids, words of our own lists, counts and codes only. A
conversation's row keeps the place of its start as W3C's `traceparent`, so that whichever process runs or delivers it,
its spans are of one trace.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
# Why a span's work has failed, or ended early.
CODE: Final = "outcry.code"

Value = str | int | float | bool | None
# A place in a trace, for spans that are made elsewhere or later.
Place = Context

_provider: "TracerProvider | None" = None
_tracer: Tracer | None = None
_w3c: Final = TraceContextTextMapPropagator()

# Takes everything, and keeps nothing.
NONE: Final[Span] = trace.INVALID_SPAN


@dataclass(frozen=True)
class Arrival:
    """A request or a connection: where it says that it comes from, when it came (nanoseconds since 1970; None where it
    stays, so that this says nothing of what it asks later), by which protocol, and when the person clicked that caused
    it, as far as the page says."""

    traceparent: str
    at: int | None
    door: str
    clicked: int | None = None


# Of the request that is being answered.
arrival: ContextVar[Arrival | None] = ContextVar("arrival", default=None)


def use(tracer_provider: "TracerProvider | None") -> None:
    """From now on make spans with this provider; with None, make none."""
    global _provider, _tracer
    _provider = tracer_provider
    _tracer = None if tracer_provider is None else tracer_provider.get_tracer(SCOPE)


def is_on() -> bool:
    return _tracer is not None


def traceparent() -> str:
    """The place of the current span, to be kept; empty without one."""
    carrier: dict[str, str] = {}
    if _tracer is not None:
        _w3c.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def start() -> Iterator[Span]:
    """Around the start of a conversation: the root of its trace, from the click, or the arrival of what asks for it;
    or, where that says so, a part of its sender's."""
    came = arrival.get()
    if came is None:
        with _current("start", {"outcry.door": "command"}, kind=SpanKind.SERVER, parent=Context()) as span:
            yield span
        return
    parent = _place(came.traceparent)
    with _current(
        "start",
        {"outcry.door": came.door},
        kind=SpanKind.SERVER,
        parent=parent,
        began=came.clicked or came.at,
    ) as span:
        if came.at is not None:
            span.add_event("arrived", timestamp=came.at)
        yield span


@contextmanager
def debate(begun: str, conversation: UUID, run: UUID, attempts: int) -> Iterator[Span]:
    """Around a run; `begun` is the `traceparent` of the conversation's start."""
    named: dict[str, Value] = {
        "outcry.conversation": str(conversation),
        "outcry.run": str(run),
        "outcry.attempts": attempts,
    }
    with _current("debate", named, parent=_place(begun)) as span:
        yield span


@contextmanager
def turn(message: UUID, agent: str, round_: int, provider: str, model: str) -> Iterator[Span]:
    """Around a turn, as far as the model is concerned."""
    named: dict[str, Value] = {
        "outcry.message": str(message),
        "outcry.agent": agent,
        "outcry.round": round_,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
    }
    with _current("turn", named) as span:
        yield span


def spoken(
    made: Span, input_tokens: int | None, output_tokens: int | None, usd: float | None, words: int
) -> None:
    """What a turn took, as far as it is known, and how many tokens were streamed."""
    known = {
        "gen_ai.usage.input_tokens": input_tokens,
        "gen_ai.usage.output_tokens": output_tokens,
        "outcry.usd": usd,
        "outcry.tokens": words,
    }
    made.set_attributes(_known(known))


def provider() -> "TracerProvider | None":
    """The provider that makes the spans, for libraries that make their own; None where telemetry is off."""
    return _provider


def here() -> Context | None:
    """The current place, for spans that are made later, in another thread; None where nothing is recorded."""
    if _tracer is None or not trace.get_current_span().is_recording():
        return None
    return trace.set_span_in_context(trace.get_current_span(), Context())


def span(
    name: str, where: "Context | str", began: int, ended: int, values: Mapping[str, Value] | None = None
) -> None:
    """A span that is over, beneath a place or a `traceparent`. Times are nanoseconds since 1970."""
    if _tracer is not None:
        parent = _place(where) if isinstance(where, str) else where
        made = _tracer.start_span(name, parent, attributes=_known(values or {}), start_time=began)
        # Clocks of two machines may differ by more than it took.
        made.end(max(began, ended))


def failed(code: str) -> None:
    """The current span's work has failed, or ended early."""
    _failed(trace.get_current_span(), code)


def _failed(made: Span, code: str) -> None:
    made.set_attribute(CODE, code)
    made.set_status(StatusCode.ERROR)


@contextmanager
def _current(
    name: str,
    values: Mapping[str, Value],
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    began: int | None = None,
) -> Iterator[Span]:
    """A span around what is done within; what that raises is told by its code."""
    if _tracer is None:
        yield NONE
        return
    with _tracer.start_as_current_span(
        name,
        parent,
        kind,
        attributes=_known(values),
        start_time=began,
        # An exception's words may be anybody's.
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except BaseException as failure:
            # Whoever knew more about it has said so.
            if CODE not in (getattr(made, "attributes", None) or {}):
                _failed(made, _code(failure))
            raise


def _code(failure: BaseException) -> str:
    match failure:
        case ProviderError():
            return failure.reason
        case OutcryError():
            return failure.code
        case asyncio.CancelledError():
            return "cancelled"
    # The name of a class: its words are not ours.
    return type(failure).__name__


def _place(begun: str) -> Context:
    return _w3c.extract({"traceparent": begun}, Context())


def _known(values: Mapping[str, Value]) -> dict[str, str | int | float | bool]:
    return {name: value for name, value in values.items() if value is not None}


def nanoseconds(seconds: float) -> int:
    """Seconds since 1970 as spans have them."""
    return round(seconds * 1e9)


def now() -> int:
    """Nanoseconds since 1970."""
    return time.time_ns()
