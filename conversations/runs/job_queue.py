"""The queue of conversations for workers: Procrastinate's, in the database of the log.

A job only requests a run of a conversation; the lease decides which process runs it."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Q
from django.db.models.functions import Now

QUEUE: Final = "debates"
TASK: Final = "conversations.debate"


def is_used() -> bool:
    """Whether workers run the debates, instead of the web processes."""
    used: bool = settings.OUTCRY_RUNNER == "worker"
    return used


def enqueue(conversation: UUID) -> None:
    """Add a job in the caller's transaction, unless the conversation has a waiting one. Raises OperationalError."""
    # Imported here: only PostgreSQL has the queue.
    from procrastinate import exceptions
    from procrastinate.contrib.django import app

    job = app.configure_task(TASK, queue=QUEUE, queueing_lock=str(conversation), allow_unknown=True)
    try:
        with transaction.atomic():
            job.defer(conversation=str(conversation))
    except exceptions.AlreadyEnqueued:
        pass
    except exceptions.ConnectorException as failure:
        # The ORM's exception, so that callers handle one kind of outage.
        raise OperationalError(str(failure.__cause__ or failure)) from (failure.__cause__ or failure)


def enqueue_missing(conversations: Collection[UUID]) -> None:
    """Enqueue each conversation that has neither a waiting job nor one that a live worker has taken."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    alive = Now() - timedelta(seconds=settings.OUTCRY_LEASE_SECONDS)
    is_current = Q(status="todo") | Q(status="doing", worker__last_heartbeat__gte=alive)
    jobs = ProcrastinateJob.objects.filter(is_current, task_name=TASK)
    enqueued = set(jobs.values_list("queueing_lock", flat=True))
    for conversation in conversations:
        if str(conversation) not in enqueued:
            enqueue(conversation)


def waiting() -> int:
    """How many conversations wait in the queue."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    return ProcrastinateJob.objects.filter(status="todo", task_name=TASK).count()
