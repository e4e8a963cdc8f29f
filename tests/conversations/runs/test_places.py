"""Debates that wait while their owner has as many running as may run at once."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.domain.enums import Action, Status
from conversations.domain.errors import Busy
from conversations.domain.requests import Command
from conversations.event_log import appender
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import lease, places, supervisor
from conversations.services import debates as services
from tests.fakes.openai_server import OpenAIServer
from tests.support import debates
from tests.support.debates import statuses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _one_place(settings: Settings) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 1


async def waiting(owner: User, **values: Any) -> Conversation:
    return await debates.created(owner, when_busy="queue", **values)


async def have_a_place() -> set[Any]:
    """The debates that a run may claim."""
    return set(await database.call(lambda: [*lease.orphans().values_list("pk", flat=True)]))


async def test_a_freed_place_goes_to_the_oldest_that_waits(alice: User, bob: User) -> None:
    first = await debates.created(alice)
    second, third = await waiting(alice), await waiting(alice)
    elsewhere = await waiting(bob)
    await places.admit()
    assert await have_a_place() == {first.pk, elsewhere.pk}
    assert await database.call(lease.claim, second.pk) is None

    await appender.append(first.pk, debates.status(Status.COMPLETED))
    await asyncio.gather(places.admit(), places.admit())
    assert await have_a_place() == {second.pk, elsewhere.pk}
    reasons = [data["reason"] for _, _, data in await debates.rows(second)]
    assert reasons == ["busy", None]
    assert len(await debates.rows(third)) == 1


async def test_a_debate_that_waited_runs_to_its_end_by_itself(alice: User, openai: OpenAIServer) -> None:
    first, second = await debates.created(alice), await waiting(alice)
    adopting = supervisor.adopt_orphans()
    try:
        await debates.until_stored(second, "complete")
    finally:
        adopting.cancel()
    await debates.debates_ended()
    assert statuses(await debates.rows(first))[-1] == "completed"
    assert statuses(await debates.rows(second)) == ["queued", "queued", "initializing", "active", "completed"]


async def test_a_debate_that_waits_can_be_cancelled(alice: User, openai: OpenAIServer) -> None:
    first, second = await debates.created(alice), await waiting(alice)
    await services.control(alice, second.pk, Command(action=Action.CANCEL))
    await supervisor.run(second.pk)
    assert statuses(await debates.rows(second)) == ["queued", "queued", "cancelled"]
    assert openai.asked == []
    assert await have_a_place() == {first.pk}


async def test_no_more_than_twenty_wait(alice: User) -> None:
    running = await debates.created(alice)
    for _ in range(places.MAX_WAITING):
        await waiting(alice)
    with pytest.raises(Busy) as refused:
        await waiting(alice)
    assert len(refused.value.running) == 1 + places.MAX_WAITING
    assert refused.value.running[0]["id"] == str(running.pk)
