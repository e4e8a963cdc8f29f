"""`/metrics` of a web process or a worker: its registry of counters, and gauges that are computed on a scrape."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from prometheus_client.exposition import choose_encoder

from conversations.domain.enums import Status
from conversations.domain.errors import LogUnavailable
from conversations.infrastructure import database, metrics
from conversations.providers import catalog, circuit_breaker
from conversations.providers.circuit_breaker import CircuitStatus, State
from conversations.runs import job_queue, lease, supervisor
from streaming.hub.reader import readers
from streaming.monitoring import dashboard
from streaming.watchers.registry import registry

logger = structlog.get_logger(__name__)

_PROCESS = ProcessCollector(registry=None)


def enabled() -> bool:
    return bool(settings.OUTCRY_METRICS_TOKEN or settings.OUTCRY_METRICS_NETWORKS)


@require_safe
@never_cache
async def scrape(request: HttpRequest) -> HttpResponse:
    """Answer clients that send OUTCRY_METRICS_TOKEN, or whose address is in OUTCRY_METRICS_NETWORKS."""
    if not (_has_token(request) or _is_near(request)):
        if settings.OUTCRY_METRICS_TOKEN:
            return HttpResponse("Unauthorized\n", "text/plain", 401, headers={"WWW-Authenticate": "Bearer"})
        return HttpResponse("Forbidden\n", "text/plain", 403)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(await collected()), content_type)


async def collected() -> CollectorRegistry:
    """All metrics. Call it in the event loop that serves watchers or executes debates."""
    try:
        debates, waiting, jobs = await database.call(_counted)
    except LogUnavailable:
        # The process's own metrics are needed most while the database is unavailable.
        logger.warning("debates_not_counted", exc_info=True)
        debates, waiting, jobs = {}, None, None
    scraped = CollectorRegistry()
    scraped.register(metrics.REGISTRY)
    scraped.register(_PROCESS)
    gauge = partial(_add_gauge, scraped)
    process = {(metrics.role, settings.OUTCRY_VERSION): 1}
    gauge("outcry_process", "1; the role and the release of this process.", process, "role", "version")
    _add_watchers(gauge)
    gauge("outcry_debates_running", "Debates that this process runs.", supervisor.running())
    if debates:
        statuses = {(status,): count for status, count in debates.items()}
        gauge("outcry_debates", "Debates in the database.", statuses, "status")
    if waiting is not None:
        gauge("outcry_debates_waiting", "Debates in the database that no process runs yet.", waiting)
    if jobs is not None:
        gauge("outcry_jobs_waiting", "Jobs that wait for a worker.", jobs)
    circuits = await _circuits()
    states = {(each.provider, state): int(each.state is state) for each in circuits for state in State}
    gauge("outcry_circuit", "1 for the state that a provider's circuit is in.", states, "provider", "state")
    return scraped


def _add_watchers(gauge: Callable[..., None]) -> None:
    watchers = registry().watchers.values()
    states = {(state,): count for state, count in dashboard.states().items()}
    gauge("outcry_watchers", "Watchers of this process.", states, "state")
    lagging = sum(watcher.lagging for watcher in watchers)
    gauge("outcry_watchers_lagging", "Watchers that fall behind.", lagging)
    transports = dict.fromkeys(((name,) for name in settings.OUTCRY_TRANSPORTS), 0)
    transports |= Counter((watcher.transport,) for watcher in watchers)
    gauge("outcry_connections", "Watchers of this process, by transport.", transports, "transport")
    gauge("outcry_debates_watched", "Debates with watchers at this process.", len(readers()))


def _add_gauge(
    scraped: CollectorRegistry, name: str, help_text: str, value: float | Mapping[Any, float], *labels: str
) -> None:
    """Add a gauge with one value, or with one for each tuple of the labels' values."""
    gauge = Gauge(name, help_text, labels, registry=scraped)
    if not isinstance(value, Mapping):
        gauge.set(value)
        return
    for label_values, each in value.items():
        gauge.labels(*label_values).set(each)


def _counted() -> tuple[Mapping[Status, int], int, int | None]:
    """Debates by status; those that have not ended and that no process executes; and jobs that wait for a worker, None
    without workers."""
    jobs = job_queue.waiting() if job_queue.is_used() else None
    return dashboard.debates(), lease.orphans().count(), jobs


async def _circuits() -> Sequence[CircuitStatus]:
    try:
        return await asyncio.to_thread(circuit_breaker.statuses, catalog.live())
    except ValueError:
        # OUTCRY_PROVIDERS is wrong, which the checks at the start have reported.
        return []


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.OUTCRY_METRICS_TOKEN
    return bool(expected) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), expected)


def _is_near(request: HttpRequest) -> bool:
    if not settings.OUTCRY_METRICS_NETWORKS:
        return False
    try:
        # The peer's address, or the one that the trusted proxies (OUTCRY_PROXY_COUNT) forward.
        address = ip_address(get_adapter().get_client_ip(request))
    except (ImproperlyConfigured, PermissionDenied, ValueError):
        return False
    # A server that listens on IPv6 names peers of IPv4 as ::ffff:a.b.c.d.
    peer = getattr(address, "ipv4_mapped", None) or address
    return any(peer in network for network in settings.OUTCRY_METRICS_NETWORKS)
