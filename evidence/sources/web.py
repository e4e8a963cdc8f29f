"""Asks a source over HTTP: with few bytes, at its pace, from the cache where that is fresh, and not while it is down.

1. An answer in the cache is used until its time is over.
2. A source that has just failed is left alone for REST_SECONDS, then the next question tries it.
3. A question waits until the source's pace allows it, at most WAIT_SECONDS.
4. An answer is read up to a number of bytes, and reduced in a thread to what is wanted, which is cached.
"""

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

import httpx

from evidence.record import MissingReason
from evidence.sources.base import Failed

# One answer. A debate waits for 3 s in all.
ANSWER_SECONDS: Final = 2.5
WAIT_SECONDS: Final = 2.0
REST_SECONDS: Final = 30
# The most that a source's Retry-After counts.
LONGEST_REST_SECONDS: Final = 300
_REASONS: Final = {404: MissingReason.NO_DATA, 429: MissingReason.RATE_LIMITED}


class Shared(Protocol):
    """A cache that the processes of an installation share. Each call raises Failed while it is unavailable."""

    async def get(self, key: str) -> bytes | None:
        """The value; None if there is none, or its time is over."""

    async def put(self, key: str, value: bytes, seconds: int) -> None:
        """Keep the value for so long."""

    async def count(self, key: str, seconds: int) -> int:
        """Add one, and return how many there are; the first one is kept for so long."""


@dataclass(frozen=True)
class Pace:
    """At most so many requests in each window of so many seconds by the clock, of all processes together. In any span
    of that length there are at most twice as many."""

    requests: int
    seconds: int


@dataclass(frozen=True)
class Web:
    """`name` is the source's, in keys and logs. `agent` is how Outcry introduces itself."""

    name: str
    pace: Pace
    shared: Shared
    http: httpx.AsyncClient
    agent: str = "Outcry"

    async def ask(
        self,
        url: str,
        parameters: Mapping[str, str],
        reduce: Callable[[bytes], bytes],
        *,
        most: int,
        fresh: int,
        secret: Mapping[str, str] | None = None,
    ) -> bytes:
        """The answer of at most `most` bytes, reduced; it may be `fresh` seconds old. `secret` are parameters that are
        in no key. `reduce` raises an exception for an answer that it cannot use. Raises Failed."""
        key = self._key("answer", sha256(repr((url, sorted(parameters.items()))).encode()).hexdigest())
        until = time.monotonic() + WAIT_SECONDS
        while True:
            # Again after each pause: another debate may have had the same question.
            if (kept := await self.shared.get(key)) is not None:
                return await asyncio.to_thread(zlib.decompress, kept)
            if (reason := await self.shared.get(self._key("rest"))) is not None:
                raise Failed(MissingReason(reason.decode()), "it has just failed")
            if (pause := await self._pause()) is None:
                break
            if time.monotonic() + pause > until:
                raise Failed(MissingReason.RATE_LIMITED, "too many questions at once")
            await asyncio.sleep(pause)
        body = await self._read(url, {**parameters, **(secret or {})}, most)
        try:
            wanted, packed = await asyncio.to_thread(_reduced, reduce, body)
        except Exception as failure:
            # Nothing of the answer is quoted.
            raise Failed(MissingReason.UNAVAILABLE, f"not understood: {type(failure).__name__}") from failure
        await self.shared.put(key, packed, fresh)
        return wanted

    async def _pause(self) -> float | None:
        """None if a question may be asked now, else the seconds until the next window."""
        now, length = time.time(), self.pace.seconds
        window = int(now // length)
        asked = await self.shared.count(self._key("pace", str(window)), 2 * length)
        return None if asked <= self.pace.requests else (window + 1) * length - now

    async def _read(self, url: str, parameters: Mapping[str, str], most: int) -> bytes:
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self.http.stream("GET", url, params=parameters, headers={"User-Agent": self.agent}) as answer,
            ):
                if answer.status_code != 200:
                    raise await self._refused(answer)
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > most:
                        raise Failed(MissingReason.UNAVAILABLE, f"more than {most} bytes")
                return bytes(body)
        except TimeoutError as failure:
            raise await self._resting(MissingReason.TIMEOUT, "no answer in time") from failure
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            # Its text may have the address, and so a key.
            raise await self._resting(MissingReason.UNAVAILABLE, type(failure).__name__) from None

    async def _refused(self, answer: httpx.Response) -> Failed:
        status = answer.status_code
        reason = _REASONS.get(status, MissingReason.UNAVAILABLE)
        detail = f"status {status}"
        if status in {403, 429} or status >= 500:
            after = answer.headers.get("Retry-After", "")
            seconds = int(after) if after.isdecimal() and len(after) < 6 else REST_SECONDS
            return await self._resting(reason, detail, min(max(seconds, 1), LONGEST_REST_SECONDS))
        return Failed(reason, detail)

    async def _resting(self, reason: MissingReason, detail: str, seconds: int = REST_SECONDS) -> Failed:
        """The failure of a source that is left alone for a while."""
        await self.shared.put(self._key("rest"), reason.value.encode(), seconds)
        return Failed(reason, detail)

    def _key(self, *parts: str) -> str:
        return ":".join(("outcry:evidence", self.name, *parts))


def _reduced(reduce: Callable[[bytes], bytes], body: bytes) -> tuple[bytes, bytes]:
    wanted = reduce(body)
    return wanted, zlib.compress(wanted)
