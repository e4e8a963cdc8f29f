"""A conversation that is deleted while somebody reads it does not keep the server busy."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User

from conversations.domain.enums import DeletionReason
from conversations.domain.frames import Frame
from conversations.infrastructure import database
from conversations.privacy import deletion
from streaming.hub import log_pages
from streaming.hub.log_pages import LogQueries, PageCache
from streaming.hub.reader import reading
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import belongings

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pages that are read from the log."""
    found: list[int] = []
    original = LogQueries.read

    async def counted(self: LogQueries, after: int) -> list[Frame]:
        found.append(after)
        return await original(self, after)

    monkeypatch.setattr(LogQueries, "read", counted)
    return found


async def test_a_watcher_that_is_behind_reads_twice_and_waits(
    alice: User, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await database.call(belongings.ended, alice)
    waits = asyncio.Event()

    async def sleep(_: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    cache = PageCache(LogQueries(conversation.pk), lambda: conversation.head)
    await database.call(deletion.delete, conversation.pk, DeletionReason.RETENTION)
    monkeypatch.setattr(log_pages, "asyncio", _Asyncio(sleep))
    task = asyncio.create_task(cache.after(0))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await waits.wait()
    assert reads == [0, 0]
    task.cancel()
    await asyncio.wait([task])


class _Asyncio:
    """The module, with another `sleep`."""

    def __init__(self, sleep: Any) -> None:
        self.sleep = sleep

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


async def test_a_reader_whose_log_has_gone_ends_its_repair(
    alice: User, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await database.call(belongings.ended, alice)
    async with reading(conversation.pk) as reader:
        position = await reader.joined()
        later = replace(position, head=position.head + 5)

        async def run(*_: Any) -> Any:
            return later

        monkeypatch.setattr(reader.log, "run", run)
        monkeypatch.setattr(reader.log, "read", _nothing)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reader.refreshed()


async def _nothing(_: int) -> list[Frame]:
    return []
