"""Jobs: one for each conversation that wants a run, in its own transaction."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from conversations.domain import requests
from conversations.domain.errors import LogUnavailable
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import job_queue, supervisor
from conversations.services import debates as services
from tests.fakes.openai_server import OpenAIServer
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)


def jobs(status: str = "todo") -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args->>'conversation' FROM procrastinate_jobs"
            " WHERE status::text = %s AND task_name = %s ORDER BY id",
            [status, job_queue.TASK],
        )
        return [UUID(conversation) for (conversation,) in cursor.fetchall()]


def taken(conversation: Conversation, *, alive: bool) -> None:
    """As by a worker, which is alive or has died since."""
    heard = timezone.now() - timedelta(seconds=0 if alive else 3600)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s) RETURNING id", [heard])
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", cursor.fetchone())
    assert jobs("doing") == [conversation.pk]


def test_a_conversation_comes_with_its_job(conversation: Conversation) -> None:
    assert jobs() == [conversation.pk]


def test_where_the_conversation_is_not_stored_there_is_no_job(alice: User, openai: OpenAIServer) -> None:
    with transaction.atomic():
        debates.create(alice)
        transaction.set_rollback(True)
    assert (jobs(), Conversation.objects.count()) == ([], 0)


def test_where_the_job_is_not_stored_there_is_no_conversation(
    alice: User, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE procrastinate_jobs RENAME TO elsewhere")
    try:
        with pytest.raises(OperationalError):
            debates.create(alice)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO procrastinate_jobs")
    assert Conversation.objects.count() == 0


async def test_a_queue_that_fails_is_told_as_a_log_that_does(alice: User, openai: OpenAIServer) -> None:
    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    await database.call(rename, "procrastinate_jobs", "elsewhere")
    try:
        with pytest.raises(LogUnavailable):
            await services.start(
                alice, requests.NewConversation.parse({"topic": "Is Tarnwick worth buying?"})
            )
    finally:
        await database.call(rename, "elsewhere", "procrastinate_jobs")


async def test_nobody_runs_it_where_it_is_started(alice: User, openai: OpenAIServer) -> None:
    started = await services.start(
        alice, requests.NewConversation.parse({"topic": "Is Tarnwick worth buying?"})
    )
    assert not supervisor.tasks.here()
    assert await database.call(jobs) == [started.pk]


def test_asked_for_twice_it_waits_once(conversation: Conversation) -> None:
    job_queue.enqueue(conversation.pk)
    assert jobs() == [conversation.pk]
    assert job_queue.waiting() == 1


def test_what_waits_is_not_forgotten(conversation: Conversation) -> None:
    job_queue.enqueue_missing([conversation.pk])
    assert jobs() == [conversation.pk]


def test_what_a_living_worker_has_taken_is_not_forgotten(conversation: Conversation) -> None:
    taken(conversation, alive=True)
    job_queue.enqueue_missing([conversation.pk])
    assert jobs() == []


def test_what_a_dead_worker_had_taken_is_asked_for_anew(conversation: Conversation) -> None:
    taken(conversation, alive=False)
    job_queue.enqueue_missing([conversation.pk])
    assert jobs() == [conversation.pk]
