"""HTTP to servers that nobody here answers for: what they answer is read up to a size, and no further."""

from collections.abc import AsyncIterator
from typing import Final, cast

import httpx

# Compressed, a few bytes could be more than memory holds.
PLAIN: Final = {"accept-encoding": "identity"}


class TooLarge(Exception):
    """The answer is longer than was allowed; the rest of it is not read."""


class BoundedTransport(httpx.AsyncBaseTransport):
    """httpx's own transport, whose answers have at most `limit` bytes. Ask with the headers PLAIN.

    Raises TooLarge, and ValueError for an answer that is compressed all the same."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inner = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        # The one kind that this transport gives.
        response.stream = _Bounded(cast("httpx.AsyncByteStream", response.stream), self._limit)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise ValueError("The answer is compressed, which was not asked for.")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, limit: int) -> None:
        self._stream = stream
        self._left = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise TooLarge
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
