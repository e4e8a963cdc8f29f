"""A circuit breaker for each provider, shared by all processes through the cache.

1. Closed: turns may call the provider.
2. Open: the provider has failed, and turns skip it for a while, which doubles with each failure in a row.
3. Half-open: the while is over, and one turn may call the provider, as the probe. Its outcome closes the circuit or
   opens it again.

While the cache is unavailable, each process uses the records of its own calls.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import structlog
from django.core.cache import cache

from conversations.domain.errors import ProviderError
from conversations.infrastructure.availability import CACHE
from conversations.providers import catalog
from conversations.providers.catalog import Provider

logger = structlog.get_logger(__name__)

FIRST_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 300.0
# If a process dies during its probe, another probe is allowed after this time.
PROBE_SECONDS: Final = 120
# A provider's record is deleted when nothing has failed for a day.
KEPT_SECONDS: Final = 86_400
# A single broken-off answer may be due to its request; this many in a row open the circuit.
MAX_BROKEN_OFF: Final = 3
# Failures that the next request would also meet; one opens the circuit.
PERSISTENT: Final = frozenset(
    {
        "provider_unreachable",
        "provider_timeout",
        "provider_unauthorized",
        "provider_forbidden",
        "provider_unknown_model",
        "provider_rate_limited",
        "provider_down",
        "provider_not_configured",
        "provider_quota",
        "provider_credit",
        "provider_wrong_address",
    }
)
# Failures in the middle of an answer.
BROKEN_OFF: Final = frozenset({"provider_dropped", "provider_failed", "provider_invalid_answer"})


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitStatus(NamedTuple):
    """`provider` is the provider's label."""

    provider: str
    state: State


@dataclass
class _Record:
    """The record of a provider that has failed. `until` is in seconds since 1970, 0 while the circuit is closed."""

    failures: int = 0
    opened: int = 0
    until: float = 0.0
    code: str = ""
    message: str = ""
    retryable: bool = True


# This process's records by the provider's key, used while the cache is unavailable.
local_records: dict[str, _Record] = {}


async def admit(provider: Provider) -> None:
    """Check that a turn may call the provider now, perhaps as the probe. Otherwise raises the provider's last failure
    as a ProviderError, with the seconds until the next probe as `retry_after` (None during a probe)."""
    record = await _read(provider)
    if record is None or not record.until:
        return
    left = record.until - time.time()
    if left <= 0:
        is_probe = True
        with _reporting_outages():
            is_probe = await cache.aadd(_probe_key(provider), 1, PROBE_SECONDS)
        if is_probe:
            return
    raise ProviderError(
        record.code, record.message, retryable=record.retryable, retry_after=left if left > 0 else None
    )


async def answering(provider: Provider) -> None:
    """The provider's answer has begun: allow other calls. The record is deleted only after a complete answer."""
    if (record := await _read(provider)) is not None and record.until:
        record.until, record.failures = 0.0, MAX_BROKEN_OFF - 1
        await _write(provider, record)


async def succeeded(provider: Provider) -> None:
    """The provider's answer is complete: close the circuit."""
    if await _read(provider) is not None:
        local_records.pop(provider.key, None)
        with _reporting_outages():
            await cache.adelete_many([_record_key(provider), _probe_key(provider)])
        logger.info("circuit_closed", provider=provider.label)


async def abandoned(provider: Provider) -> None:
    """The call was cancelled before its outcome was known: if it was the probe, allow another."""
    with _reporting_outages():
        await cache.adelete(_probe_key(provider))


async def failed(provider: Provider, failure: ProviderError) -> None:
    """The call failed; the kind of failure decides whether the circuit opens."""
    record = await _read(provider) or _Record()
    if failure.reason in PERSISTENT:
        record.failures = MAX_BROKEN_OFF
    elif failure.reason in BROKEN_OFF:
        record.failures += 1
    elif not record.until:
        # Caused by the request, not by the provider.
        return
    if record.failures >= MAX_BROKEN_OFF or record.until:
        _open(provider, record, failure)
    await _write(provider, record)


async def let_probe(providers: Iterable[Provider]) -> None:
    """Allow one call to each of these providers now, even if their circuits are open."""
    for provider in providers:
        if (record := await _read(provider)) is not None and record.until:
            record.until = time.time()
            await _write(provider, record)


def statuses(providers: Iterable[Provider]) -> list[CircuitStatus]:
    """The circuits of these providers, in the same order. Reads the cache: call it in a thread."""
    return [CircuitStatus(provider.label, _state(provider)) for provider in providers]


def live_is_down() -> bool:
    """Whether there are live providers, and the circuits of all are open. Reads the cache."""
    states = [_state(provider) for provider in catalog.live()]
    return bool(states) and all(state is State.OPEN for state in states)


def _state(provider: Provider) -> State:
    record = local_records.get(provider.key)
    with _reporting_outages():
        record = _shared(provider, cache.get(_record_key(provider)))
    if record is None or not record.until:
        return State.CLOSED
    return State.OPEN if time.time() < record.until else State.HALF_OPEN


def _open(provider: Provider, record: _Record, failure: ProviderError) -> None:
    now = time.time()
    # Failures while the circuit is open are of concurrent debates, and count as one.
    if now >= record.until:
        record.opened += 1
    seconds = FIRST_SECONDS * 2 ** min(record.opened - 1, 10)
    if failure.reason == "provider_rate_limited" and failure.retry_after is not None:
        seconds = failure.retry_after
    seconds = min(seconds, LONGEST_SECONDS)
    record.until = now + seconds
    record.code, record.message, record.retryable = failure.reason, failure.message, failure.retryable
    logger.warning("circuit_opened", provider=provider.label, code=failure.reason, seconds=round(seconds, 1))


async def _read(provider: Provider) -> _Record | None:
    record = local_records.get(provider.key)
    with _reporting_outages():
        record = _shared(provider, await cache.aget(_record_key(provider)))
    return record  # noqa: RET504 (the cache may have failed)


def _shared(provider: Provider, cached: dict[str, Any] | None) -> _Record | None:
    """The record in the cache. If it has none, this process's record is outdated and deleted."""
    if cached is None:
        local_records.pop(provider.key, None)
        return None
    return _Record(**cached)


async def _write(provider: Provider, record: _Record) -> None:
    local_records[provider.key] = record
    with _reporting_outages():
        await cache.aset(_record_key(provider), asdict(record), KEPT_SECONDS)
        await cache.adelete(_probe_key(provider))


@contextmanager
def _reporting_outages() -> Iterator[None]:
    """Context that logs an outage of the cache and its end, instead of raising."""
    try:
        yield
    except Exception as failure:
        # Imported only after a failure, so that processes without Redis never load it.
        from redis.exceptions import RedisError

        if not isinstance(failure, RedisError | OSError):
            raise
        CACHE.failed("circuit", failure)
    else:
        CACHE.worked("circuit")


def _record_key(provider: Provider) -> str:
    return f"outcry:circuit:{provider.key}"


def _probe_key(provider: Provider) -> str:
    return f"{_record_key(provider)}:probe"
