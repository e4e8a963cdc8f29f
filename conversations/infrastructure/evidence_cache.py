"""What sources of figures share among processes, in Django's cache."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.core.cache import cache

from conversations.infrastructure.availability import CACHE
from evidence.record import MissingReason
from evidence.sources.base import Failed


class EvidenceCache:
    """The cache of answers, and the counter of questions. Without it no source is asked, because nobody would keep to
    its pace: each call raises Failed."""

    async def get(self, key: str) -> bytes | None:
        async with _available():
            value: bytes | None = await cache.aget(key)
            return value

    async def put(self, key: str, value: bytes, seconds: int) -> None:
        async with _available():
            await cache.aset(key, value, seconds)

    async def count(self, key: str, seconds: int) -> int:
        async with _available():
            await cache.aadd(key, 0, seconds)
            try:
                return await cache.aincr(key)
            except ValueError:
                # Its time was over between the two calls: a new window has begun.
                return 1


@asynccontextmanager
async def _available() -> AsyncIterator[None]:
    try:
        yield
    except Exception as failure:
        # Imported only after a failure, so that processes without Redis never load it.
        from redis.exceptions import RedisError

        if not isinstance(failure, RedisError | OSError):
            raise
        CACHE.failed("evidence", failure)
        raise Failed(MissingReason.UNAVAILABLE, "the cache is away") from failure
    CACHE.worked("evidence")
