"""Logs through structlog: readable lines on a terminal, JSON for machines. Django's own logs included."""

import logging.config
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import structlog
from opentelemetry import trace

from config.observability.log_cleaning import Clean, secrets
from conversations.infrastructure.availability import CHANNEL_LAYER, QUEUE, Availability

# The minimum level of libraries that repeat our log lines or log clients' errors.
_LIBRARY_LEVELS: Final = {
    **dict.fromkeys(("httpx", "httpx2", "openai", "anthropic", "google_genai"), "WARNING"),
    **dict.fromkeys(("daphne", "uvicorn", "procrastinate"), "WARNING"),
    **dict.fromkeys(("a2a", "psycopg.pool", "opentelemetry.exporter"), "CRITICAL"),
}


class OncePerOutage(logging.Filter):
    """Drops the exceptions that a library logs every second during an outage, which `availability` logs once."""

    def __init__(self, outage: Availability, operation: str) -> None:
        super().__init__()
        self._outage, self._operation = outage, operation

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info or record.exc_info[1] is None:
            return True
        self._outage.failed(self._operation, record.exc_info[1])
        return False


def without_traceback(record: logging.LogRecord) -> bool:
    """A filter that keeps the line and drops its traceback."""
    record.exc_info = None
    return True


def add_span_ids(_logger: Any, _method: str, line: Any) -> Any:
    """A structlog processor that adds the ids of the current span, if there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
        line["span_id"] = trace.format_span_id(context.span_id)
    return line


def configure_logs(*, json: bool, level: str, traced: bool = False, known: Sequence[str] = ()) -> None:
    """Write all logs of the process to standard error; with `traced`, lines have the ids of their span. `known` are
    secrets beside those of the environment."""
    processors = _processors(traced=traced)
    structlog.configure(
        # The level is checked first, so that lines below it cost almost nothing.
        processors=[
            structlog.stdlib.filter_by_level,
            *processors,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        _logging({"()": lambda: formatter(json=json, traced=traced, known=known)}, level)
    )


def formatter(*, json: bool, traced: bool = False, known: Sequence[str] = ()) -> logging.Formatter:
    """The formatter of the standard library's handlers: all lines are cleaned, also of the `known` secrets, before they
    are rendered."""
    exceptions = structlog.dev.plain_traceback
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=exceptions)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_processors(traced=traced),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            Clean([*known, *secrets(os.environ)]),
            structlog.processors.JSONRenderer() if json else console,
        ],
    )


def _processors(*, traced: bool) -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([add_span_ids] if traced else []),
    ]


def _logging(formatter: dict[str, Any], level: str) -> dict[str, Any]:
    """The standard library's side: one handler for all loggers."""
    queue = {"level": "WARNING", "filters": [OncePerOutage(QUEUE, "queue")]}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structlog": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **{name: {"level": least} for name, least in _LIBRARY_LEVELS.items()},
            # Anybody can cause one by a request's Host header; its traceback would fill the log with 30 lines.
            "django.security.DisallowedHost": {"filters": [without_traceback]},
            "channels_redis.pubsub": {"filters": [OncePerOutage(CHANNEL_LAYER, "receive")]},
            "procrastinate.worker": queue,
            "procrastinate.worker.worker": queue,
        },
    }
