"""Metrics of what this process does for its debates. `streaming.monitoring.prometheus` serves the registry."""

from functools import partial
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram

from conversations.domain.events import Usage

# Without the `_created` series, which docs do not list.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

# The metrics that this process counts. Gauges that are computed on a scrape are not in it.
REGISTRY: Final = CollectorRegistry()
counter = partial(Counter, registry=REGISTRY)

# Outcomes counted per run: claimed a new debate, adopted one that another run left or lost; finished, failed, left it
# to another process, was fenced by another run, or lost the log because nothing could be stored.
RUN_OUTCOMES: Final = ("claimed", "adopted", "ended", "failed", "left", "fenced", "lost_log")
RUNS: Final = counter("outcry_runs", "Runs of this process, by outcome.", ["what"])
for _outcome in RUN_OUTCOMES:
    # A series is 0 until it is counted, not absent.
    RUNS.labels(_outcome)

_MODEL: Final = ("provider", "model")
# `outcome` is `spoken`, or the code of the failure.
TURNS: Final = counter("outcry_turns", "Turns, by provider, model and outcome.", [*_MODEL, "outcome"])
TURN_TOKENS: Final = counter(
    "outcry_turn_tokens", "Tokens of finished turns, as counted by the provider.", [*_MODEL, "direction"]
)
_UNMETERED: Final = counter("outcry_turns_unmetered", "Turns whose token usage is unknown.", _MODEL)
COST_USD: Final = counter(
    "outcry_cost_usd", "Cost of finished turns with a known price, in US dollars.", _MODEL
)
UNPRICED: Final = counter("outcry_turns_unpriced", "Turns whose price is unknown.", _MODEL)

# From 50 ms to 61 s, four bounds to a doubling.
FIRST_TOKEN: Final = Histogram(
    "outcry_first_token_seconds",
    "From the call of a model to the first token of its turn.",
    _MODEL,
    registry=REGISTRY,
    buckets=[0.05 * 2 ** (step / 4) for step in range(42)],
)

_LOG_APPENDS: Final = counter("outcry_log_appends", "Appends submitted to the log's writer.")
# From 0.5 ms to 33 s, each bound twice the one before.
_COMMIT_SECONDS: Final = Histogram(
    "outcry_log_commit_seconds",
    "Duration of a commit of the log, with its retries.",
    registry=REGISTRY,
    buckets=[0.0005 * 2**step for step in range(17)],
)
# From 1 to 2,048 rows, each bound twice the one before.
_COMMIT_ROWS: Final = Histogram(
    "outcry_log_commit_rows",
    "Rows in a commit of the log.",
    registry=REGISTRY,
    buckets=[2.0**step for step in range(12)],
)

# What this process is: `web` or `worker`.
role = "web"


def turn_completed(provider: str, model: str, usage: Usage, usd: float | None) -> None:
    """Count a finished turn, its tokens and its cost. `usd` is None if the price is unknown."""
    TURNS.labels(provider, model, "spoken").inc()
    tokens_by_direction = {"input": usage.input_tokens, "output": usage.output_tokens}
    for direction, tokens in tokens_by_direction.items():
        if tokens is not None:
            TURN_TOKENS.labels(provider, model, direction).inc(tokens)
    if None in tokens_by_direction.values():
        _UNMETERED.labels(provider, model).inc()
    if usd is None:
        UNPRICED.labels(provider, model).inc()
    else:
        COST_USD.labels(provider, model).inc(usd)


def first_token(provider: str, model: str, seconds: float) -> None:
    """Count the first token of a turn, or of its thoughts, so many seconds after the model was called."""
    FIRST_TOKEN.labels(provider, model).observe(seconds)


def turn_failed(provider: str, model: str, code: str) -> None:
    """Count a turn that failed or was stopped. Its usage is unknown."""
    TURNS.labels(provider, model, code).inc()


def committed(seconds: float, appends: int, rows: int) -> None:
    """Count a commit of the log's writer: its duration in seconds, its appends and its rows."""
    _LOG_APPENDS.inc(appends)
    _COMMIT_SECONDS.observe(seconds)
    _COMMIT_ROWS.observe(rows)
