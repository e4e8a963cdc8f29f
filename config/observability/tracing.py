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
    if settings.OUTCRY_TELEMETRY and tracing.provider() is None:
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
    """The ASGI application. If telemetry is on, it is wrapped in a middleware that sets the Arrival of each request and
    WebSocket for spans that are made during it; the middleware makes no spans, and passes on `receive` and `send`."""
    if not settings.OUTCRY_TELEMETRY:
        return application

    async def with_arrival(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in {"http", "websocket"}:
            # Not reset at the end: servers run each connection in a context of its own.
            tracing.arrival.set(_arrival(scope))
        await application(scope, receive, send)

    return with_arrival


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
    return round(milliseconds * 1e6) if milliseconds <= MAX_CLICK_MS else 0
