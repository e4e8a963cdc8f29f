"""A worker: it takes jobs, so many at once, and leaves them to others when it goes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from conversations.domain import requests
from conversations.domain.enums import Action
from conversations.domain.requests import Command
from conversations.infrastructure import database
from conversations.infrastructure.availability import QUEUE
from conversations.models import Conversation
from conversations.services import debates as services
from tests.conversations.runs.workers.in_process import working
from tests.conversations.runs.workers.test_job_queue import jobs, taken
from tests.e2e.site import ROOT
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.support import debates
from tests.support.debates import statuses

pytestmark = pytest.mark.django_db(transaction=True)


async def until(true: Callable[[], bool]) -> None:
    """Until the database says so; a queue rings for nobody but its workers."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await database.call(true):
            await asyncio.sleep(0.02)


async def started(owner: User, **values: object) -> Conversation:
    """A further debate, of one round."""
    new = requests.NewConversation.parse({"topic": "And now?", "rounds": 1, **values})
    return await services.start(owner, new)


async def test_it_runs_what_waits_and_what_comes(
    alice: User, openai: OpenAIServer, worker: asyncio.Event
) -> None:
    before = await debates.created(alice)
    await debates.until_stored(before, "status", status="completed")
    after = await started(alice)
    await debates.until_stored(after, "status", status="completed")
    assert statuses(await debates.rows(after)) == ["queued", "initializing", "active", "completed"]
    # What is done is not kept.
    await until(lambda: jobs() == jobs("doing") == jobs("succeeded") == [])


async def test_what_is_more_than_it_may_run_waits(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_WORKER_DEBATES = 1
    gate = Gate()
    openai.answer(says("One.", gate=gate), to="Financial Analyst")
    first, second = await debates.created(alice), await debates.created(alice)
    async with working():
        await gate.reached(1)
        assert await database.call(jobs) == [second.pk]
        gate.open()
        await debates.until_stored(second, "status", status="completed")
    ends = await debates.fresh(first)
    began = await debates.fresh(second)
    assert ends.finished_at is not None
    assert began.started_at is not None
    assert ends.finished_at <= began.started_at


async def test_when_it_leaves_its_debates_wait_for_another(
    conversation: Conversation, openai: OpenAIServer, worker: asyncio.Event
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    await gate.reached(1)
    worker.set()
    await until(lambda: jobs() == [conversation.pk])
    row = await debates.fresh(conversation)
    assert (row.status, row.run) == ("active", None)


async def test_what_a_dead_worker_had_taken_is_run(conversation: Conversation) -> None:
    await database.call(lambda: taken(conversation, alive=False))
    async with working():
        await debates.until_stored(conversation, "status", status="completed")
        await until(lambda: jobs("doing") == [])


async def test_a_debate_that_waits_for_a_person_takes_nobodys_place(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_WORKER_DEBATES = 1
    gate = Gate()
    openai.answer(says("One.", gate=gate), to="Financial Analyst")
    paused = await debates.created(alice)
    async with working():
        await gate.reached(1)
        await services.control(alice, paused.pk, Command(action=Action.PAUSE))
        await debates.until_stored(paused, "status", status="paused")
        other = await started(alice)
        await debates.until_stored(other, "status", status="completed")
        gate.open()
        await services.control(alice, paused.pk, Command(action=Action.RESUME))
        await debates.until_stored(paused, "status", status="completed")


async def test_a_debate_that_waits_for_another_runs_when_it_ends(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 1
    gate = Gate()
    openai.answer(says("One.", gate=gate), to="Financial Analyst")
    first = await debates.created(alice)
    async with working():
        await gate.reached(1)
        second = await started(alice, when_busy="queue")
        assert (await debates.fresh(second)).reason == "busy"
        gate.open()
        await debates.until_stored(second, "status", status="completed")
    assert statuses(await debates.rows(first))[-1] == "completed"
    assert statuses(await debates.rows(second))[:3] == ["queued", "queued", "initializing"]


async def test_runs_that_outlive_their_jobs_keep_their_places(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_WORKER_DEBATES = 1
    settings.OUTCRY_LEASE_HEARTBEAT_SECONDS = 0.1
    gate = Gate()
    openai.answer(says("One.", gate=gate), to="Financial Analyst")
    await debates.created(alice)
    async with working():
        await gate.reached(1)
        # The queue fails as a whole, and comes back.
        await database.call(_rename, "procrastinate_workers", "elsewhere")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not QUEUE._failing:
                await asyncio.sleep(0.02)
        await database.call(_rename, "elsewhere", "procrastinate_workers")
        second = await started(alice)
        # It has been taken, and put back.
        first_job = await database.call(newest_job)
        await until(lambda: newest_job() > first_job)
        assert len(openai.asked) == 1
        gate.open()
        await debates.until_stored(second, "status", status="completed")


def _rename(table: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {name}")


def newest_job() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM procrastinate_jobs_id_seq")
        number: int = cursor.fetchone()[0]
        return number


async def test_a_lost_connection_of_the_queue_ends_no_debate(
    conversation: Conversation, openai: OpenAIServer, worker: asyncio.Event, alice: User
) -> None:
    gate = Gate()
    openai.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    await gate.reached(1)
    await database.call(_break_queue)
    gate.open()
    await debates.until_stored(conversation, "status", status="completed")
    later = await started(alice)
    await debates.until_stored(later, "status", status="completed")


def _break_queue() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE '%procrastinate%'"
            " AND pid <> pg_backend_pid()"
        )


def test_without_a_queue_the_command_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "work", "--skip-checks"],
        cwd=ROOT,
        env={**os.environ, "OUTCRY_RUNNER": "process"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Set OUTCRY_RUNNER=worker" in done.stderr
    assert "Traceback" not in done.stderr
