"""The queue of debates stands in PostgreSQL: these tests run only there (OUTCRY_TEST_DATABASE=postgres)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from conversations.models import Conversation
from tests.conversations.runs.workers.in_process import working
from tests.fakes.openai_server import OpenAIServer
from tests.support import debates


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return None if "postgresql" in django_settings.DATABASES["default"]["ENGINE"] else True


@pytest.fixture(autouse=True)
def _queue(transactional_db: None, settings: Settings) -> Iterator[None]:
    """Debates are run by workers; the queue is empty."""
    settings.OUTCRY_RUNNER = "worker"
    yield
    with connection.cursor() as cursor:
        for table in (
            "procrastinate_events",
            "procrastinate_periodic_defers",
            "procrastinate_jobs",
            "procrastinate_workers",
        ):
            cursor.execute(f"DELETE FROM {table}")


@pytest.fixture
def conversation(alice: User, openai: OpenAIServer) -> Conversation:
    """With its job."""
    return debates.create(alice)


@pytest.fixture
async def worker() -> AsyncIterator[asyncio.Event]:
    """A worker in this process; set the event to have it leave."""
    async with working() as stop:
        yield stop
