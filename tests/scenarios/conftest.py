"""Outages of the database, for several scenarios."""

from collections.abc import Iterator

import pytest
from django.db import connection

from conversations.models import Conversation
from tests.support.outages import Disk, Outage, database_outage, small_disk


@pytest.fixture
def outage(conversation: Conversation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outage]:
    """The database of `conversation`, unavailable from `begin` to `end`."""
    with database_outage(monkeypatch) as outage:
        yield outage


@pytest.fixture
def disk(conversation: Conversation) -> Iterator[Disk]:
    """A disk that can be full; SQLite only."""
    if connection.vendor != "sqlite":
        pytest.skip("how large a PostgreSQL may become is its system's to say")
    with small_disk() as disk:
        yield disk
