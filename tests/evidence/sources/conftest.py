"""The services that figures come from, as a stand-in."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.fakes.evidence_server import EvidenceServer, evidence_server


@pytest_asyncio.fixture
async def server() -> AsyncIterator[EvidenceServer]:
    async with evidence_server() as found:
        yield found
