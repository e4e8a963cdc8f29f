"""Rate limits for each user, as sliding windows, shared by all processes if Redis is configured.

While Redis is unavailable, there is no limit. Reading is counted by each process alone. `user` is the user's id as
text.
"""

import asyncio
import math
import time
from functools import lru_cache
from typing import Final

from django.conf import settings
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from conversations.domain.errors import TooManyRequests
from conversations.infrastructure.availability import CACHE

# Timeout of connecting to Redis and of each call: a Redis that hangs must not delay requests.
REDIS_SECONDS: Final = 1.0


async def start(user: str) -> None:
    """Count the start of a debate. Raises TooManyRequests."""
    await _count("start", settings.OUTCRY_START_RATE, user)


async def upload(user: str) -> None:
    """Count the upload of a source or dataset; as many as starts. Raises TooManyRequests."""
    await _count("upload", settings.OUTCRY_START_RATE, user)


async def control(user: str) -> None:
    """Count a command or a message to a debate, or a change of API keys. Raises TooManyRequests."""
    await _count("control", settings.OUTCRY_CONTROL_RATE, user)


async def query(user: str) -> None:
    """Count a query over a dataset, or a change of how it is read; as many as controls. Raises TooManyRequests."""
    await _count("query", settings.OUTCRY_CONTROL_RATE, user)


async def estimate(user: str) -> None:
    """Count an estimate, which builds all prompts of a debate. Raises TooManyRequests."""
    await _count("estimate", settings.OUTCRY_ESTIMATE_RATE, user)


def read(user: str) -> None:
    """Count a request that reads, or that opens a stream. Raises TooManyRequests."""
    # In this process only: a round trip to Redis would cost as much as most reads.
    _refuse(_hit(limiter_in_memory(), parse(settings.OUTCRY_READ_RATE), "read", user))


async def _count(what: str, rate: str, user: str) -> None:
    if settings.REDIS_URL:
        wait = await asyncio.to_thread(_shared, parse(rate), what, user)
    else:
        wait = _hit(limiter_in_memory(), parse(rate), what, user)
    _refuse(wait)


def _refuse(wait: float | None) -> None:
    if wait is not None:
        seconds = max(1, math.ceil(wait))
        again = "1 second" if seconds == 1 else f"{seconds} seconds"
        raise TooManyRequests(f"Too many requests; try again in {again}.", wait)


def _shared(window: RateLimitItem, what: str, user: str) -> float | None:
    try:
        wait = _hit(limiter_in_redis(settings.REDIS_URL), window, what, user)
    except StorageError as failure:
        CACHE.failed("rates", failure)
        return None
    CACHE.worked("rates")
    return wait


def _hit(counted: MovingWindowRateLimiter, window: RateLimitItem, what: str, user: str) -> float | None:
    """None if the request is within the limit, else the seconds until the next one is."""
    if counted.hit(window, what, user):
        return None
    return max(0.0, counted.get_window_stats(window, what, user).reset_time - time.time())


@lru_cache(maxsize=1)
def limiter_in_memory() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@lru_cache(maxsize=1)
def limiter_in_redis(url: str) -> MovingWindowRateLimiter:
    # Loaded only with Redis: it takes 15 MiB and a tenth of the start.
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    storage = RedisStorage(
        url,
        key_prefix="outcry:rates",
        wrap_exceptions=True,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
    )
    return MovingWindowRateLimiter(storage)
