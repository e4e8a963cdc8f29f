"""Housekeeping deletes what is due, in one process at a time."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import Settings

from conversations.infrastructure import database
from conversations.models import Conversation, Erasure, LegalHold, PeriodicTask, Source
from conversations.privacy import erasure, housekeeping
from tests.conversations.privacy.test_retention import old
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import belongings

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PAUSE_SECONDS", 0)


async def kept() -> set[object]:
    return await database.call(lambda: {*Conversation.objects.values_list("pk", flat=True)})


async def test_debates_whose_time_is_over_are_deleted(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "PAGE", 2)
    settings.OUTCRY_RETENTION_DAYS = 30
    for _ in range(5):
        await database.call(old, alice)
    young = await database.call(old, alice, 1)
    assert await housekeeping.keep_house()
    assert await kept() == {young.pk}


async def test_sources_that_no_debate_uses_are_deleted_after_a_day(alice: User) -> None:
    def made() -> tuple[Source, Source, Source]:
        unused = belongings.source(alice)
        used = belongings.debate(alice).source_links.get().source
        Source.objects.update(created_at=timezone.now() - timedelta(days=1))
        return unused, used, belongings.source(alice)

    _, used, young = await database.call(made)
    assert await housekeeping.keep_house()
    assert await database.call(lambda: {*Source.objects.all()}) == {used, young}


async def test_a_round_follows_an_hour_after_the_last(alice: User, settings: Settings) -> None:
    settings.OUTCRY_RETENTION_DAYS = 30
    assert await housekeeping.keep_house()
    late = await database.call(old, alice)
    assert not await housekeeping.keep_house()
    assert await kept() == {late.pk}
    row = await database.call(PeriodicTask.objects.get)
    left = row.next_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1, seconds=5)


async def test_two_processes_never_keep_house_at_once() -> None:
    claims = await asyncio.gather(*(database.call(housekeeping._claim, uuid4()) for _ in range(4)))
    assert sorted(claims) == [False, False, False, True]


async def test_a_process_that_lost_its_claim_stops(alice: User, settings: Settings) -> None:
    settings.OUTCRY_RETENTION_DAYS = 30
    for _ in range(2):
        await database.call(old, alice)
    mine = uuid4()
    assert await database.call(housekeeping._claim, mine)
    await database.call(lambda: PeriodicTask.objects.update(holder=uuid4()))
    with pytest.raises(housekeeping._ClaimLost):
        await housekeeping._delete_conversations(mine)
    assert len(await kept()) == 1


async def test_the_claim_of_a_dead_process_ends(alice: User) -> None:
    assert await database.call(housekeeping._claim, uuid4())
    past = timezone.now() - timedelta(seconds=1)
    await database.call(lambda: PeriodicTask.objects.update(next_at=past))
    assert await housekeeping.keep_house()


async def test_an_interrupted_erasure_is_continued(alice: User) -> None:
    await database.call(old, alice)
    await database.call(erasure.begin, alice.pk, None)
    assert await housekeeping.keep_house()
    assert not await database.call(User.objects.filter(pk=alice.pk).exists)


async def test_an_erasure_under_hold_delays_no_other(alice: User, bob: User) -> None:
    for person in (alice, bob):
        await database.call(erasure.begin, person.pk, None)
    await database.call(lambda: LegalHold.objects.create(person=alice, reason="Late"))
    assert await housekeeping.keep_house()
    assert await database.call(lambda: [*Erasure.objects.values_list("pk", flat=True)]) == [alice.pk]


async def test_expired_sessions_and_their_listings_are_deleted(alice: User) -> None:
    def sessions() -> None:
        for key, age in (("old", -1), ("new", 1)):
            Session.objects.create(pk=key, session_data="", expire_date=timezone.now() + timedelta(days=age))
        for key in ("old", "new", "fresh"):
            UserSession.objects.create(user=alice, session_key=key, ip="192.0.2.1", user_agent="x")
        past = timezone.now() - timedelta(days=2)
        UserSession.objects.exclude(session_key="fresh").update(created_at=past)

    await database.call(sessions)
    assert await housekeeping.keep_house()
    assert await database.call(lambda: [*Session.objects.values_list("pk", flat=True)]) == ["new"]
    listed = await database.call(lambda: {*UserSession.objects.values_list("session_key", flat=True)})
    assert listed == {"new", "fresh"}


async def test_a_process_begins_and_ends_it(alice: User, settings: Settings) -> None:
    settings.OUTCRY_RETENTION_DAYS = 30
    await database.call(old, alice)
    housekeeping.begin()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await kept():
            await asyncio.sleep(0.01)
    await housekeeping.end()
    assert housekeeping.tasks.here() == []
