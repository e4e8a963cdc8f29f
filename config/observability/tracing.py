"""OpenTelemetry traces: enabled if a collector is configured. Has the ASGI middleware that continues a caller's trace.

Our tracer provider is not the global one, so that of all libraries only AG2, which gets it, makes spans.
"""

import atexit
import re
import threading
import time
from typing import Any, Final

from django.conf import settings
from starlette.datastructures import Headers

from conversations.infrastructure import metrics, tracing

# How long a process waits for its collector at its end.
FLUSH_SECONDS: Final = 5.0
# Milliseconds between the click and the request, measured by the page; more than 60 s is ignored.
CLICK_HEADER: Final = "x-clicked-ms-ago"
MAX_CLICK_MS: Final = 60_000


def begin(role: str) -> None:
    """Set the process's role, `web` or `worker`, and start exporting spans if telemetry is on."""
    metrics.role = role
    if settings.OUTCRY_TELEMETRY and not tracing.is_on():
        # Imported here so that the SDK is loaded only with telemetry.
        from config.observability import span_export

        tracing.use(span_export.provider(role))
        # For a process that ends without calling `end`.
        atexit.register(end)


def end() -> None:
    """Export the remaining spans; blocks for at most FLUSH_SECONDS. Spans recorded later are lost."""
    if (provider := tracing.use(None)) is not None:
        # In a thread, because the SDK itself would wait for 30 s.
        flushing = threading.Thread(target=provider.shutdown, name="telemetry-end", daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)


def traced(application: Any) -> Any:
    """The ASGI application, wrapped in TraceContext if telemetry is on."""
    return TraceContext(application) if settings.OUTCRY_TELEMETRY else application


class TraceContext:
    """ASGI middleware: sets the Arrival of each request and WebSocket for spans that are made during it. It makes no
    spans itself, and does not wrap `receive` and `send`."""

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
    """0 without the header, or if its value is invalid."""
    value = headers.get(CLICK_HEADER, "")
    # ASCII digits only, because float() accepts much more.
    milliseconds = float(value) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", value) else 0.0
    return tracing.nanoseconds(milliseconds / 1000) if milliseconds <= MAX_CLICK_MS else 0
