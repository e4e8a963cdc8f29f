"""Metrics of what this process delivers to its watchers."""

from bisect import bisect_left
from typing import Final

from prometheus_client import Histogram

from conversations.infrastructure.metrics import REGISTRY, counter

TOKENS_SPOKEN: Final = counter(
    "outcry_tokens_spoken", "Tokens received for debates that are watched at this process."
)
TOKENS_DELIVERED: Final = counter("outcry_tokens_delivered", "Tokens sent to watchers.")
DROPS_REPAIRED: Final = counter(
    "outcry_channel_drops_repaired", "How often the channel layer had dropped something."
)
PAGES_READ: Final = counter("outcry_log_pages_read", "Reads of the log for watchers that were behind.")
CLOSES: Final = counter("outcry_closes", "Connections that this process closed.", ["code", "name"])

# Upper bounds in seconds, from a millisecond to a minute; each doubles the one before.
_BUCKETS: Final = [0.001 * 2**step for step in range(17)]
_PAINT_SECONDS: Final = Histogram(
    "outcry_paint_seconds",
    "From storing a token in the log to its acknowledged paint in a browser.",
    registry=REGISTRY,
    buckets=_BUCKETS,
)
_DELIVERY_SECONDS: Final = Histogram(
    "outcry_delivery_seconds",
    "From storing an event other than a token in the log to sending it to a watcher's connection.",
    registry=REGISTRY,
    buckets=_BUCKETS,
)

# Bounds for the monitor's percentiles, finer than Prometheus' buckets: 16 to a doubling, so that a percentile is at
# most 4.4 % too high. `fine_paints` has the number of paints within each bound, and beyond the last.
FINE_BOUNDS: Final = tuple(0.001 * 2 ** (step / 16) for step in range(16 * 16 + 1))
fine_paints: Final = [0] * (len(FINE_BOUNDS) + 1)


def painted(seconds: float) -> None:
    """Count a token that a browser painted so many seconds after the log stored it."""
    seconds = max(0.0, seconds)
    _PAINT_SECONDS.observe(seconds)
    fine_paints[bisect_left(FINE_BOUNDS, seconds)] += 1


def delivered(seconds: float) -> None:
    """Count an event other than a token that was handed to a connection so many seconds after the log stored it."""
    _DELIVERY_SECONDS.observe(max(0.0, seconds))
