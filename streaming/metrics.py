"""Numbers for Prometheus, read from what is counted anyway. Nothing is counted for them."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from itertools import accumulate

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

from conversations import database
from conversations.events import Status
from streaming import monitor
from streaming.measures import BOUNDS, MEASURES, STEPS
from streaming.reader import readers
from streaming.registry import registry

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
    try:
        debates = await database.run(monitor.debates)
    except database.FAILURES:
        # The process's own numbers are wanted most when the database is away.
        logger.warning("debates_not_counted", exc_info=True)
        debates = {}
    collected = CollectorRegistry(auto_describe=False)
    collected.register(_Numbers(debates))
    collected.register(_PROCESS)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(collected), content_type)


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
    def __init__(self, debates: Mapping[Status, int]) -> None:
        self._debates = debates

    def collect(self) -> Iterator[Metric]:
        watchers = GaugeMetricFamily("outcry_watchers", "Watchers of this process.", labels=["state"])
        for state, count in monitor.states().items():
            watchers.add_metric([state], count)
        yield watchers
        lagging = sum(watcher.lagging for watcher in registry().watchers.values())
        yield GaugeMetricFamily("outcry_watchers_lagging", "Those that fall behind.", lagging)
        yield GaugeMetricFamily(
            "outcry_debates_watched", "Debates with watchers at this process.", len(readers())
        )
        if self._debates:
            debates = GaugeMetricFamily("outcry_debates", "Debates in the database.", labels=["status"])
            for status, count in self._debates.items():
                debates.add_metric([status], count)
            yield debates
        yield from _totals()
        yield _paints()


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
    for closed in monitor.closed():
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
