"""An HTTP transport for untrusted servers, which limits the size of responses."""

from collections.abc import AsyncIterator
from typing import Final, cast

import httpx

# Request headers, because a small compressed response could be larger than memory.
UNCOMPRESSED: Final = {"accept-encoding": "identity"}


class TooLarge(Exception):
    """The response is larger than allowed, and was not read to its end."""


class SizeLimitedTransport(httpx.AsyncBaseTransport):
    """HTTPX's own transport, for responses of at most `limit` bytes. Send the headers UNCOMPRESSED with each request.

    Raises TooLarge, and ValueError for a response that is compressed nevertheless."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inner = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        # The cast is safe: the transport's responses have streams of this type only.
        response.stream = _LimitedStream(cast("httpx.AsyncByteStream", response.stream), self._limit)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise ValueError("The answer is compressed, which was not asked for.")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _LimitedStream(httpx.AsyncByteStream):
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
