"""The configured sources of figures, and what they have about the instrument of a debate."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from evidence.instruments import UnknownInstrument, resolve, unknown
from evidence.record import Instrument
from evidence.sources.base import NOTHING, Failed, Gathered, Question, Source

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class Known:
    """The instrument of a debate, and what the sources have about it."""

    instrument: Instrument | None
    gathered: Gathered = NOTHING


def named(symbol: str) -> Instrument | None:
    """The instrument of a stored symbol ("" for none), without asking a source."""
    if not symbol:
        return None
    try:
        return resolve(symbol)
    except UnknownInstrument:
        return Instrument(symbol=symbol, name=symbol)


async def known(symbol: str, as_of: datetime) -> Known:
    """The instrument of a stored symbol, and what the sources have about it. Takes no longer than `gather` may."""
    instrument = named(symbol)
    if instrument is None or not settings.OUTCRY_EVIDENCE.is_any:
        return Known(instrument)
    # Loaded only with sources: it takes 0.1 s.
    from evidence.sources.gather import SECONDS, gather

    began = time.monotonic()
    async with _sources() as sources:
        try:
            async with asyncio.timeout(SECONDS):
                instrument = await _found(symbol, sources) or instrument
        except (Failed, TimeoutError):
            # It keeps its symbol for a name.
            pass
        left = max(SECONDS - (time.monotonic() - began), 0)
        return Known(instrument, await gather(sources, Question(instrument, as_of), left))


async def find(text: str) -> Instrument:
    """The instrument with a ticker or name. Raises UnknownInstrument, and Failed if a source that may know it does not
    answer."""
    if not settings.OUTCRY_EVIDENCE.knows_instruments:
        return resolve(text)
    async with _sources() as sources:
        if (found := await _found(text, sources)) is not None:
            return found
        raise unknown(text, [symbol for source in sources for symbol in await source.near(text)])


async def _found(text: str, sources: list[Source]) -> Instrument | None:
    """A customer's own instrument, or the library's, or a source's. Raises Failed if none has it and one did not
    answer."""
    failed: Failed | None = None
    for source in sources:
        try:
            if (found := await source.find(text)) is not None:
                return found
        except Failed as failure:
            failed = failed or failure
    if failed is not None:
        raise failed
    return None


@asynccontextmanager
async def _sources() -> AsyncIterator[list[Source]]:
    configured = settings.OUTCRY_EVIDENCE
    from evidence.sources.folder import Folder
    from evidence.sources.library import Library

    own: list[Source] = [] if configured.folder is None else [Folder(configured.folder)]
    async with await _client() as http:
        yield [*own, Library(), *_remote(http)]


def _remote(http: "httpx.AsyncClient") -> list[Source]:
    from conversations.infrastructure.evidence_cache import EvidenceCache
    from evidence.sources import ecb, edgar, fred
    from evidence.sources.web import Web

    configured, shared = settings.OUTCRY_EVIDENCE, EvidenceCache()
    found: list[Source] = []
    if configured.sec_contact:
        web = Web("edgar", edgar.PACE, shared, http, f"Outcry {configured.sec_contact}")
        found.append(edgar.Edgar(web, configured.sec_url, configured.sec_data_url))
    if configured.ecb:
        found.append(ecb.Ecb(Web("ecb", ecb.PACE, shared, http), configured.ecb_url))
    if configured.fred_key:
        web = Web("fred", fred.PACE, shared, http)
        found.append(fred.Fred(web, configured.fred_url, configured.fred_key))
    return found


async def _client() -> "httpx.AsyncClient":
    import httpx

    # Answers are not followed to other addresses: a source that moves is a matter of settings.
    return httpx.AsyncClient(verify=await asyncio.to_thread(_certificates), follow_redirects=False)


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes 20 ms."""
    import httpx

    return httpx.create_ssl_context()
