"""Logs through structlog: readable lines on a terminal, JSON for machines. Django's own logs included."""

import logging.config
import sys
from typing import Any

import structlog


class ToldOnce(logging.Filter):
    """Of what a channel layer says each second while it is away, one line is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info or record.exc_info[1] is None:
            return True
        # Not before the settings are read.
        from conversations.outages import CHANNEL_LAYER

        CHANNEL_LAYER.failed("receive", record.exc_info[1])
        return False


def configure_logs(*, json: bool, level: str) -> None:
    """Send every log line of the process to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
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
            "filters": {"told_once": {"()": ToldOnce}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
            "root": {"handlers": ["stderr"], "level": level},
            # These repeat what our own lines say, or what nobody asked.
            "loggers": {
                name: {"level": "WARNING"}
                for name in ("httpx", "httpx2", "openai", "anthropic", "google_genai", "daphne")
            }
            # What a client got wrong is told to the client; what we did, by our own line.
            | {"a2a": {"level": "CRITICAL"}}
            | {"channels_redis.pubsub": {"filters": ["told_once"]}},
        }
    )
