"""Calling the database from async code: timeouts, retries and errors."""

import asyncio
import threading
from typing import Any, cast

import pytest
from django.db import IntegrityError, OperationalError, connection

from conversations.domain.errors import LogUnavailable
from conversations.infrastructure import database

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("failure", [OperationalError("away"), IntegrityError("ours")])
async def test_call_raises_log_unavailable_for_database_errors(failure: Exception) -> None:
    def fail() -> None:
        raise failure

    with pytest.raises(LogUnavailable) as refused:
        await database.call(fail)
    assert refused.value.__cause__ is failure


async def test_retry_calls_again_until_the_database_answers() -> None:
    # The second is the driver's own, as closing a cursor on PostgreSQL raises it.
    driver = cast(Any, connection).Database
    failures = [OperationalError("away"), driver.OperationalError("still away")]

    def recover() -> str:
        if failures:
            raise failures.pop()
        return "back"

    assert await database.call(recover, retry=True) == "back"


async def test_retry_raises_other_errors_at_once() -> None:
    calls = []

    def fault() -> None:
        calls.append(1)
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        await database.call(fault, retry=True)
    assert calls == [1]


async def test_call_that_waited_too_long_for_a_thread_is_never_made() -> None:
    going = threading.Event()
    busy = [asyncio.create_task(database.call(going.wait)) for _ in range(database.THREADS)]
    await asyncio.sleep(0)
    called: list[int] = []
    with pytest.raises(LogUnavailable):
        await database.call(called.append, 1, timeout=0.05)
    going.set()
    await asyncio.gather(*busy)
    await database.call(lambda: None)
    assert called == []
