"""A circuit breaker for each provider, shared by all processes through the cache.

Closed: it is asked. Open: it has just failed, and nobody asks it for a while, which doubles with each failure. Half
open: that while is over, and one turn asks it, as the probe; by how that goes the circuit closes or opens again.

Where the cache is away, a process goes by what it has seen itself.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from conversations.domain.errors import ProviderError
from conversations.infrastructure.availability import CACHE
from conversations.providers.catalog import Provider

logger = structlog.get_logger(__name__)

T = TypeVar("T")
U = TypeVar("U")

FIRST_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 300.0
# A probe whose process dies says nothing; after this long there is another.
PROBE_SECONDS: Final = 120
# What has been well for this long is forgotten.
KEPT_SECONDS: Final = 86_400
# An answer that breaks off may be one request's bad luck. So many in a row are not.
MAX_BROKEN_OFF: Final = 3
# Failures that the next request would meet as well.
_TELLING: Final = frozenset(
    {
        "provider_unreachable",
        "provider_timeout",
        "provider_unauthorized",
        "provider_forbidden",
        "provider_unknown_model",
        "provider_rate_limited",
        "provider_down",
        "provider_not_configured",
    }
)
# Failures of the connection in the middle of an answer.
_BROKEN_OFF: Final = frozenset({"provider_dropped", "provider_failed", "provider_invalid_answer"})


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class Standing:
    """How a provider's circuit stands: the code of the failure that opened it, and until when it is open."""

    provider: str
    state: State
    code: str | None = None
    until: datetime | None = None


@dataclass
class _Record:
    """What is kept of a provider that has failed. Times are seconds since 1970."""

    failures: int = 0
    opened: int = 0
    until: float = 0.0
    code: str = ""
    message: str = ""
    retryable: bool = True


# What this process has seen itself.
_own: dict[str, _Record] = {}


async def admit(provider: Provider) -> None:
    """Return if the provider may be asked now, perhaps as the probe. Else raises its last failure, whose `retry_after`
    are the seconds until it may be asked again."""
    refused = await asyncio.to_thread(_admit, provider)
    if refused is not None:
        raise refused


async def speaking(provider: Provider) -> None:
    """It has begun to answer: others may ask it again. Only a whole answer clears its name."""
    await asyncio.to_thread(_speaking, provider)


async def worked(provider: Provider) -> None:
    """It has answered: the circuit is closed."""
    await asyncio.to_thread(_worked, provider)


async def unknown(provider: Provider) -> None:
    """Nobody waited for its answer: if it was the probe, another may be."""
    await asyncio.to_thread(_unknown, provider)


async def failed(provider: Provider, failure: ProviderError) -> None:
    """It has failed: whether that opens the circuit depends on the failure."""
    await asyncio.to_thread(_failed, provider, failure)


async def let_probe(providers: Iterable[Provider]) -> None:
    """Let each of these be asked once now, whatever they did before: a person wants to try again."""
    for provider in providers:
        await asyncio.to_thread(_let_probe, provider)


async def standing(providers: Iterable[Provider]) -> list[Standing]:
    """How the circuits of these providers stand."""
    return await asyncio.to_thread(standing_now, providers)


def standing_now(providers: Iterable[Provider]) -> list[Standing]:
    """The same, for code that is not async."""
    return [_standing(provider) for provider in providers]


def _standing(provider: Provider) -> Standing:
    record = _read(provider)
    if record is None or not record.until:
        return Standing(provider.label, State.CLOSED)
    state = State.OPEN if time.time() < record.until else State.HALF_OPEN
    return Standing(provider.label, state, record.code, datetime.fromtimestamp(record.until, UTC))


def _admit(provider: Provider) -> ProviderError | None:
    record = _read(provider)
    if record is None or not record.until:
        return None
    left = record.until - time.time()
    if left <= 0 and _cached(lambda: cache.add(_probe(provider), 1, PROBE_SECONDS), otherwise=True):
        return None
    return ProviderError(
        record.code, record.message, retryable=record.retryable, retry_after=left if left > 0 else None
    )


def _speaking(provider: Provider) -> None:
    if (record := _read(provider)) is not None and record.until:
        record.until, record.failures = 0.0, MAX_BROKEN_OFF - 1
        _write(provider, record)


def _worked(provider: Provider) -> None:
    if _read(provider) is not None:
        _own.pop(provider.key, None)
        _cached(lambda: cache.delete_many([_name(provider), _probe(provider)]), otherwise=None)
        logger.info("circuit_closed", provider=provider.label)


def _unknown(provider: Provider) -> None:
    _cached(lambda: cache.delete(_probe(provider)), otherwise=None)


def _failed(provider: Provider, failure: ProviderError) -> None:
    record = _read(provider) or _Record()
    if failure.reason in _TELLING:
        record.failures = MAX_BROKEN_OFF
    elif failure.reason in _BROKEN_OFF:
        record.failures += 1
    elif not record.until:
        # It is about what was asked, not about who was.
        return
    if record.failures >= MAX_BROKEN_OFF or record.until:
        _open(provider, record, failure)
    _write(provider, record)


def _open(provider: Provider, record: _Record, failure: ProviderError) -> None:
    now = time.time()
    # Several debates at once meet the same fault: that is one failure, not many.
    if now >= record.until:
        record.opened += 1
    seconds = FIRST_SECONDS * 2 ** min(record.opened - 1, 10)
    if failure.reason == "provider_rate_limited" and failure.retry_after is not None:
        seconds = failure.retry_after
    seconds = min(seconds, LONGEST_SECONDS)
    record.until = now + seconds
    record.code, record.message, record.retryable = failure.reason, failure.message, failure.retryable
    logger.warning("circuit_opened", provider=provider.label, code=failure.reason, seconds=round(seconds, 1))


def _let_probe(provider: Provider) -> None:
    if (record := _read(provider)) is not None and record.until:
        record.until = time.time()
        _write(provider, record)


def _read(provider: Provider) -> _Record | None:
    kept: dict[str, Any] | _Away | None = _cached(lambda: cache.get(_name(provider)), otherwise=_AWAY)
    if isinstance(kept, _Away):
        return _own.get(provider.key)
    if kept is None:
        _own.pop(provider.key, None)
        return None
    return _Record(**kept)


def _write(provider: Provider, record: _Record) -> None:
    _own[provider.key] = record
    _cached(lambda: cache.set(_name(provider), asdict(record), KEPT_SECONDS), otherwise=None)
    _cached(lambda: cache.delete(_probe(provider)), otherwise=None)


class _Away:
    """Stands for what a cache that is away would have said."""


_AWAY: Final = _Away()


def _cached(call: Callable[[], T], *, otherwise: U) -> T | U:
    try:
        value = call()
    except (RedisError, OSError) as failure:
        CACHE.failed("circuit", failure)
        return otherwise
    CACHE.worked("circuit")
    return value


def _name(provider: Provider) -> str:
    return f"outcry:circuit:{provider.key}"


def _probe(provider: Provider) -> str:
    return f"{_name(provider)}:probe"
