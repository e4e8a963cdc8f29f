"""The sources of a stand-in, with the cache that the product uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from conversations.infrastructure.evidence_cache import EvidenceCache
from evidence.instruments import resolve
from evidence.record import Instrument
from evidence.sources.base import Question
from evidence.sources.ecb import Ecb
from evidence.sources.edgar import Edgar
from evidence.sources.fred import Fred
from evidence.sources.web import Pace, Web
from tests.fakes.evidence_server import EvidenceServer

KEY = "0123456789abcdef0123456789abcdef"
# Nothing waits for its turn in these tests, but where that is what they are about.
QUICK = Pace(1_000, 1)
NETFLIX = Instrument(symbol="NFLX", name="Netflix", exchange="NASDAQ", currency="USD")


@asynccontextmanager
async def web(name: str = "edgar", pace: Pace = QUICK) -> AsyncIterator[Web]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Web(name, pace, EvidenceCache(), http, "Outcry data@example.com")


def edgar(asks: Web, server: EvidenceServer) -> Edgar:
    return Edgar(asks, server.url, server.url)


def ecb(asks: Web, server: EvidenceServer) -> Ecb:
    return Ecb(asks, server.url)


def fred(asks: Web, server: EvidenceServer) -> Fred:
    return Fred(asks, server.url, KEY)


def about(instrument: Instrument | str, *day: int) -> Question:
    """What is known about it at the end of a day."""
    known = resolve(instrument) if isinstance(instrument, str) else instrument
    year, month, date = day
    return Question(known, datetime(year, month, date, 23, 59, 59, tzinfo=UTC))
