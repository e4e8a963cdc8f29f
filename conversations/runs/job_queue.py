"""The queue that hands debates to workers: Procrastinate's, in the database that holds the log.

A job only says that a conversation wants a run. Who runs it is decided by the conversation's lease, as everywhere."""

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
    """Whether workers run the debates, and no process that serves people."""
    used: bool = settings.OUTCRY_RUNNER == "worker"
    return used


def put(conversation: UUID) -> None:
    """Ask for a run, in the caller's transaction; one that waits already is enough."""
    # Only where there is a queue: PostgreSQL.
    from procrastinate import exceptions
    from procrastinate.contrib.django import app

    job = app.configure_task(TASK, queue=QUEUE, queueing_lock=str(conversation), allow_unknown=True)
    try:
        with transaction.atomic():
            job.defer(conversation=str(conversation))
    except exceptions.AlreadyEnqueued:
        pass
    except exceptions.ConnectorException as failure:
        # The word for it that everything else goes by.
        raise OperationalError(str(failure.__cause__ or failure)) from (failure.__cause__ or failure)


def put_forgotten(conversations: Collection[UUID]) -> None:
    """Ask for a run of each that nobody is about to run: it does not wait, and no living worker has taken it."""
    known = _known()
    for conversation in conversations:
        if conversation not in known:
            put(conversation)


def _known() -> set[UUID]:
    from procrastinate.contrib.django.models import ProcrastinateJob

    alive = Now() - timedelta(seconds=settings.OUTCRY_LEASE_SECONDS)
    known = Q(status="todo") | Q(status="doing", worker__last_heartbeat__gte=alive)
    locks = ProcrastinateJob.objects.filter(known, task_name=TASK).values_list("queueing_lock", flat=True)
    return {UUID(lock) for lock in locks if lock is not None}


def waiting() -> int:
    """How many conversations wait for a worker."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    return ProcrastinateJob.objects.filter(status="todo", task_name=TASK).count()
