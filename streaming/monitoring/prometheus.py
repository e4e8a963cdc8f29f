"""Numbers for Prometheus, read from what is counted anyway, by a process that serves people or one that works."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from itertools import accumulate
from typing import Any, TypeVar

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from conversations.domain.enums import Status
from conversations.infrastructure import database
from conversations.infrastructure import metrics as tally
from conversations.infrastructure.metrics import RUNS, TALLY, Histogram
from conversations.providers import circuit_breaker, selection
from conversations.providers.circuit_breaker import Standing, State
from conversations.runs import supervisor
from streaming.hub.reader import readers
from streaming.monitoring import dashboard
from streaming.monitoring.dashboard import Waiting
from streaming.statistics.counters import BOUNDS, MEASURES, STEPS
from streaming.watchers.registry import registry

logger = structlog.get_logger(__name__)

_PROCESS = ProcessCollector(registry=None)


def enabled() -> bool:
    return bool(settings.OUTCRY_METRICS_TOKEN or settings.OUTCRY_METRICS_NETWORKS)


@require_safe
@never_cache
async def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever has the token, or comes from one of the networks."""
    if not (_has_token(request) or _is_near(request)):
        if settings.OUTCRY_METRICS_TOKEN:
            return HttpResponse("Unauthorized\n", "text/plain", 401, headers={"WWW-Authenticate": "Bearer"})
        return HttpResponse("Forbidden\n", "text/plain", 403)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(await collected()), content_type)


async def collected() -> CollectorRegistry:
    """All numbers, as they stand now. Call it in the event loop that serves or works."""
    try:
        debates, waiting = await database.run(lambda: (dashboard.debates(), dashboard.waiting()))
    except database.FAILURES:
        # The process's own numbers are wanted most when the database is away.
        logger.warning("debates_not_counted", exc_info=True)
        debates, waiting = {}, None
    found = CollectorRegistry(auto_describe=False)
    found.register(_Numbers(debates, waiting, await _circuits()))
    found.register(_PROCESS)
    return found


async def _circuits() -> Sequence[Standing]:
    try:
        return await circuit_breaker.standing(selection.live())
    except ValueError:
        # OUTCRY_PROVIDERS is wrong, which the checks say.
        return []


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.OUTCRY_METRICS_TOKEN
    return bool(expected) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), expected)


def _is_near(request: HttpRequest) -> bool:
    if not settings.OUTCRY_METRICS_NETWORKS:
        return False
    try:
        # The peer's, or what as many proxies as are trusted say.
        address = ip_address(get_adapter().get_client_ip(request))
    except (ImproperlyConfigured, PermissionDenied, ValueError):
        return False
    # A server that listens on IPv6 names IPv4's peers so.
    peer = getattr(address, "ipv4_mapped", None) or address
    return any(peer in network for network in settings.OUTCRY_METRICS_NETWORKS)


class _Numbers(Collector):
    def __init__(
        self, debates: Mapping[Status, int], waiting: Waiting | None, circuits: Sequence[Standing]
    ) -> None:
        self._debates = debates
        self._waiting = waiting
        self._circuits = circuits

    def collect(self) -> Iterator[Metric]:
        yield _of_each(
            GaugeMetricFamily(
                "outcry_process", "1; what this process is, and of which release.", labels=["role", "version"]
            ),
            {(tally.role, settings.OUTCRY_VERSION): 1},
        )
        yield from self._of_watchers()
        yield from self._of_debates()
        yield from _of_turns()
        yield from _of_the_log()
        yield from _totals()
        yield _paints()
        yield _histogram(
            "outcry_delivery_seconds",
            "From the log's taking of an event that is no token to its handing over to a watcher's connection.",
            MEASURES.deliveries,
        )

    def _of_watchers(self) -> Iterator[Metric]:
        watchers = GaugeMetricFamily("outcry_watchers", "Watchers of this process.", labels=["state"])
        for state, count in dashboard.states().items():
            watchers.add_metric([state], count)
        yield watchers
        lagging = sum(watcher.lagging for watcher in registry().watchers.values())
        yield GaugeMetricFamily("outcry_watchers_lagging", "Those that fall behind.", lagging)
        transports = Counter((watcher.transport,) for watcher in registry().watchers.values())
        yield _of_each(
            GaugeMetricFamily(
                "outcry_connections", "Watchers of this process, by transport.", labels=["transport"]
            ),
            {(name,): transports[name,] for name in settings.OUTCRY_TRANSPORTS} | transports,
        )
        yield GaugeMetricFamily(
            "outcry_debates_watched", "Debates with watchers at this process.", len(readers())
        )

    def _of_debates(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "outcry_debates_running", "Debates that this process runs.", supervisor.running()
        )
        yield _of_each(
            CounterMetricFamily(
                "outcry_runs", "Runs of this process, by what became of them.", labels=["what"]
            ),
            {(what,): 0 for what in RUNS} | {(what,): count for what, count in TALLY.runs.items()},
        )
        if self._debates:
            debates = GaugeMetricFamily("outcry_debates", "Debates in the database.", labels=["status"])
            yield _of_each(debates, {(status,): count for status, count in self._debates.items()})
        if self._waiting is not None:
            yield GaugeMetricFamily(
                "outcry_debates_waiting",
                "Debates in the database that nobody runs yet.",
                self._waiting.debates,
            )
            if self._waiting.jobs is not None:
                yield GaugeMetricFamily(
                    "outcry_jobs_waiting", "Jobs that wait for a worker.", self._waiting.jobs
                )
        circuits = GaugeMetricFamily(
            "outcry_circuit", "1 for the state that a provider's circuit is in.", labels=["provider", "state"]
        )
        yield _of_each(
            circuits,
            {
                (standing.provider, state): int(standing.state is state)
                for standing in self._circuits
                for state in State
            },
        )


def _of_turns() -> Iterator[Metric]:
    model: list[str] = ["provider", "model"]
    yield _of_each(
        CounterMetricFamily(
            "outcry_turns", "Turns, by who spoke and what came of it.", labels=[*model, "outcome"]
        ),
        TALLY.turns,
    )
    yield _of_each(
        CounterMetricFamily(
            "outcry_turn_tokens",
            "Tokens of whole turns, as counted by the provider.",
            labels=[*model, "direction"],
        ),
        TALLY.tokens,
    )
    yield _of_each(
        CounterMetricFamily("outcry_turns_unmetered", "Turns whose tokens nobody told.", labels=model),
        TALLY.unmetered,
    )
    yield _of_each(
        CounterMetricFamily("outcry_cost_usd", "What whole turns cost whose price is known.", labels=model),
        TALLY.usd,
    )
    yield _of_each(
        CounterMetricFamily("outcry_turns_unpriced", "Turns whose price nobody knows.", labels=model),
        TALLY.unpriced,
    )


def _of_the_log() -> Iterator[Metric]:
    yield CounterMetricFamily("outcry_log_appends", "What was handed to the log's writer.", TALLY.appends)
    yield _histogram(
        "outcry_log_commit_seconds",
        "How long a commit of the log took, with its tries.",
        TALLY.commit_seconds,
    )
    yield _histogram("outcry_log_commit_rows", "Rows in a commit of the log.", TALLY.commit_rows)


Family = TypeVar("Family", bound=GaugeMetricFamily | CounterMetricFamily)


def _of_each(family: Family, values: Mapping[Any, float]) -> Family:
    """The family with a value for each tuple of its labels."""
    for labels, value in [*values.items()]:
        family.add_metric([*labels], value)
    return family


def _histogram(name: str, meaning: str, histogram: Histogram) -> HistogramMetricFamily:
    counts = [*accumulate(histogram.counts)]
    buckets = [(f"{bound:g}", float(count)) for bound, count in zip(histogram.bounds, counts, strict=False)]
    return HistogramMetricFamily(name, meaning, [*buckets, ("+Inf", float(counts[-1]))], histogram.sum)


def _totals() -> Iterator[Metric]:
    for name, meaning, value in (
        ("outcry_tokens_spoken", "Tokens that came in for debates that are watched here.", MEASURES.spoken),
        ("outcry_tokens_delivered", "Tokens handed to watchers.", MEASURES.delivered),
        (
            "outcry_channel_drops_repaired",
            "How often the channel layer had left something out.",
            MEASURES.repaired,
        ),
        ("outcry_log_pages_read", "Looks into the log for watchers who were behind.", MEASURES.pages),
    ):
        yield CounterMetricFamily(name, meaning, value)
    closes = CounterMetricFamily(
        "outcry_closes", "Connections that this process closed.", labels=["code", "name"]
    )
    for closed in dashboard.closed():
        closes.add_metric([str(closed.code), closed.name.lower()], closed.count)
    yield closes


def _paints() -> HistogramMetricFamily:
    counts = [*accumulate(MEASURES.paints)]
    # Of the fine bounds, each that doubles.
    buckets = [(f"{BOUNDS[place]:.3f}", float(counts[place])) for place in range(0, len(BOUNDS), STEPS)]
    return HistogramMetricFamily(
        "outcry_paint_seconds",
        "From the log's taking of a token to its acknowledged paint in a browser.",
        [*buckets, ("+Inf", float(counts[-1]))],
        MEASURES.paint_seconds,
    )
