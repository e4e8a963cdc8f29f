"""Logs through structlog: readable lines on a terminal, JSON for machines. Django's own logs included."""

import logging.config
import sys
from typing import Any

import structlog
from opentelemetry import trace


class ToldOnce(logging.Filter):
    """Of what a library says each second while a part is away, one line is enough."""

    def __init__(self, outage: str, what: str) -> None:
        super().__init__()
        self._outage, self._what = outage, what

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info or record.exc_info[1] is None:
            return True
        # Not before the settings are read.
        from conversations.infrastructure import availability

        outage: availability.Outage = getattr(availability, self._outage)
        outage.failed(self._what, record.exc_info[1])
        return False


def add_span_ids(_logger: Any, _method: str, line: Any) -> Any:
    """A structlog processor: the ids of the current span, where there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
        line["span_id"] = trace.format_span_id(context.span_id)
    return line


def configure_logs(*, json: bool, level: str, traced: bool = False) -> None:
    """Send every log line of the process to standard error; `traced`: with the ids of its span."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if traced:
        shared.append(add_span_ids)
    structlog.configure(
        # First what is not to be logged is dropped, so that it costs next to nothing.
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if json
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structlog": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
                }
            },
            "filters": {
                "layer_told_once": {"()": ToldOnce, "outage": "CHANNEL_LAYER", "what": "receive"},
                "queue_told_once": {"()": ToldOnce, "outage": "QUEUE", "what": "queue"},
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
            "root": {"handlers": ["stderr"], "level": level},
            # These repeat what our own lines say, or what nobody asked.
            "loggers": {
                name: {"level": "WARNING"}
                for name in (
                    "httpx",
                    "httpx2",
                    "openai",
                    "anthropic",
                    "google_genai",
                    "daphne",
                    "uvicorn",
                    "procrastinate",
                )
            }
            # What a client got wrong is told to the client; what we did, by our own line.
            | {"a2a": {"level": "CRITICAL"}, "psycopg.pool": {"level": "CRITICAL"}}
            | {"opentelemetry.exporter": {"level": "CRITICAL"}}
            | {"channels_redis.pubsub": {"filters": ["layer_told_once"]}}
            | {
                f"procrastinate.{name}": {"level": "WARNING", "filters": ["queue_told_once"]}
                for name in ("worker", "worker.worker")
            },
        }
    )
