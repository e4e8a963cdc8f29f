"""Traces by OpenTelemetry: switched on where a collector is given, and the ASGI middleware that continues a caller's.

Our provider is not the global one, so that no library but AG2, which is given it, makes spans.
"""

import atexit
import re
import threading
import time
from typing import Any, Final

from django.conf import settings
from starlette.datastructures import Headers

from conversations.infrastructure import metrics, tracing

# A process that ends waits no longer than this for its collector.
FLUSH_SECONDS: Final = 5.0
# What the page measured between the click and its request, by its own clock; more than a minute is not believed.
CLICK_HEADER: Final = "x-clicked-ms-ago"
MAX_CLICK_MS: Final = 60_000


def begin(role: str) -> None:
    """Name what this process is, `web` or `worker`, and start to export spans where telemetry is on."""
    metrics.role = role
    if settings.OUTCRY_TELEMETRY and not tracing.is_on():
        # The SDK is loaded only where it is used.
        from config.observability import span_export

        tracing.use(span_export.provider(role))
        # For a process that ends without calling `end`.
        atexit.register(end)


def end() -> None:
    """Export what is left, for at most FLUSH_SECONDS. What is recorded later is lost. Blocks."""
    if (provider := tracing.use(None)) is not None:
        # The SDK itself would wait for half a minute.
        flushing = threading.Thread(target=provider.shutdown, name="telemetry-end", daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)


def traced(application: Any) -> Any:
    """The ASGI application, within TraceContext where telemetry is on."""
    return TraceContext(application) if settings.OUTCRY_TELEMETRY else application


class TraceContext:
    """ASGI middleware: notes the arrival of each request and WebSocket, and the trace that it names, for spans that are
    made while it is handled. It makes none itself, and leaves `receive` and `send` as they are."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._application(scope, receive, send)
            return
        reset = tracing.arrival.set(_arrival(scope))
        try:
            await self._application(scope, receive, send)
        finally:
            tracing.arrival.reset(reset)


def _arrival(scope: Any) -> tracing.Arrival:
    headers = Headers(scope=scope)
    # A repeated header counts as none (W3C Trace Context).
    traceparents = headers.getlist("traceparent")
    traceparent = traceparents[0] if len(traceparents) == 1 else ""
    if scope["type"] == "websocket":
        return tracing.Arrival("websocket", traceparent)
    now = time.time_ns()
    return tracing.Arrival("http", traceparent, now, now - _nanoseconds_since_click(headers))


def _nanoseconds_since_click(headers: Headers) -> int:
    """0 where the page says nothing, or what cannot be."""
    value = headers.get(CLICK_HEADER, "")
    # ASCII digits only: float() takes much more for a number.
    milliseconds = float(value) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", value) else 0.0
    return tracing.nanoseconds(milliseconds / 1000) if milliseconds <= MAX_CLICK_MS else 0
