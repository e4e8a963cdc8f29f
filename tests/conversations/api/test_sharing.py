"""Debates of an organisation through the HTTP API: starting, listing, reviewing, sharing and following them."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from conversations.domain.enums import Status
from conversations.infrastructure import database
from conversations.models import AuditEntry, Conversation, Membership, Organisation
from conversations.privacy import inventory
from tests.conversations.api.conftest import LIST, Ask, asking
from tests.support import belongings, debates
from tests.support.organisations import organisation

pytestmark = pytest.mark.django_db(transaction=True)

BODY = {"topic": "Is Tarnwick worth buying?", "rounds": 1}


async def asker(person: User) -> Ask:
    client = AsyncClient()
    await client.aforce_login(person)
    return asking(client)


async def home(alice: User, **members: User) -> Organisation:
    return await database.call(lambda: organisation("Home", owner=alice, **members))


async def started(owner: User, of: Organisation, **values: Any) -> Conversation:
    return await debates.created(owner, organisation=of.pk, **values)


async def test_a_debate_starts_in_an_organisation_and_is_listed_there_only(alice: User, bob: User) -> None:
    found, ask = await home(alice, member=bob), await asker(alice)
    made = await ask("post", LIST, {**BODY, "organisation": str(found.pk), "idempotency_key": "k"})
    await ask("post", LIST, {**BODY, "topic": "Personal?"})
    detail = await ask("get", f"{LIST}{made['id']}/")
    assert (detail["organisation"], detail["sharing"], detail["author"]) == (
        str(found.pk),
        "private",
        "alice",
    )
    within = (await ask("get", f"{LIST}?organisation={found.pk}"))["results"]
    personal = (await ask("get", LIST))["results"]
    assert [row["topic"] for row in within] == [BODY["topic"]]
    assert [(row["topic"], row["organisation"]) for row in personal] == [("Personal?", None)]
    # The same key in another scope is another debate's.
    assert (await ask("post", LIST, {**BODY, "idempotency_key": "k"}))[0] == 409
    again = await ask("post", f"{LIST}{made['id']}/again", {})
    assert (await ask("get", f"{LIST}{again['id']}/"))["organisation"] == str(found.pk)


async def test_starting_takes_a_role_and_a_foreign_organisation_is_unknown(alice: User, bob: User) -> None:
    found = await home(alice, viewer=bob)
    foreign = await database.call(lambda: organisation("Other", owner=alice))
    ask = await asker(bob)
    for path in (LIST, f"{LIST}estimate"):
        answers = [await ask("post", path, {**BODY, "organisation": str(pk)}) for pk in (foreign.pk, uuid4())]
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
        assert (await ask("post", path, {**BODY, "organisation": str(found.pk)}))[0] == 403
    assert (await ask("post", LIST, {**BODY, "organisation": "tarnwick"}))[0] == 422
    assert not await database.call(Conversation.objects.exists)
    for query in (f"organisation={foreign.pk}", f"organisation={uuid4()}"):
        assert (await ask("get", f"{LIST}?{query}"))[0] == 404
    assert (await ask("get", f"{LIST}?organisation={found.pk}&review=true"))[0] == 403
    status, refused = await ask("get", f"{LIST}?review=true")
    assert (status, refused["errors"][0]["field"]) == (422, "review")


async def test_sharing_opens_and_closes_a_debate(alice: User, bob: User) -> None:
    dora = await User.objects.acreate(username="dora")
    found = await home(alice, member=bob, viewer=dora)
    debate = await started(bob, found)
    owner, author, viewer = [await asker(person) for person in (alice, bob, dora)]
    path, sharing = f"{LIST}{debate.pk}/", f"{LIST}{debate.pk}/sharing"
    listing = f"{LIST}?organisation={found.pk}"
    assert (await viewer("get", path))[0] == 404
    assert await author("put", sharing, {"sharing": "members", "members": [dora.pk]}) == {
        "sharing": "members",
        "members": [dora.pk],
    }
    assert (await viewer("get", path))["topic"] == debate.topic
    assert [row["id"] for row in (await viewer("get", listing))["results"]] == [str(debate.pk)]
    # To watch it is no right to share or command it.
    assert (await viewer("put", sharing, {"sharing": "organisation"}))[0] == 403
    assert (await viewer("get", sharing))[0] == 403
    assert (await viewer("post", f"{path}control", {"action": "pause"}))[0] == 403
    assert (await author("put", sharing, {"sharing": "private"}))["members"] == []
    assert (await viewer("get", path))[0] == 404
    # What is private is not in an admin's list, but in their review.
    assert (await owner("get", listing))["results"] == []
    [row] = (await owner("get", f"{listing}&review=true&q=Tarnwick"))["results"]
    assert (row["author"], row["sharing"]) == ("bob", "private")
    assert (await owner("get", path))["topic"] == debate.topic
    entries = await database.call(lambda: [*AuditEntry.objects.values_list("actor__username", "action")])
    assert sorted(entries) == [
        ("alice", "transcript_read"),
        ("alice", "transcript_read"),
        ("bob", "debate_shared"),
        ("bob", "debate_shared"),
    ]


@pytest.mark.parametrize(
    "wish",
    [
        {"sharing": "members"},
        {"sharing": "members", "members": [10**6]},
        {"sharing": "members", "members": [2**63]},
        {"sharing": "private", "members": [1]},
        {"sharing": "everybody"},
        {},
    ],
)
async def test_a_wrong_wish_to_share_changes_nothing(alice: User, wish: object) -> None:
    found = await home(alice)
    debate = await started(alice, found)
    status, answer = await (await asker(alice))("put", f"{LIST}{debate.pk}/sharing", wish)
    assert (status, len(answer["errors"])) == (422, 1)
    await debate.arefresh_from_db()
    assert debate.sharing == "private"


async def test_a_personal_debate_cannot_be_shared(alice: User) -> None:
    debate = await debates.created(alice)
    answer = await (await asker(alice))("put", f"{LIST}{debate.pk}/sharing", {"sharing": "organisation"})
    assert answer[0] == 403


async def test_what_was_said_in_an_organisation_is_followed_in_it_only(alice: User) -> None:
    found, ask = await home(alice), await asker(alice)
    debate = await started(alice, found)
    await database.call(belongings.append, debate, debates.status(Status.CANCELLED))
    status, refused = await ask("post", LIST, {**BODY, "follows": str(debate.pk)})
    assert (status, refused["errors"][0]["rule"]) == (422, "other_organisation")
    made = await ask("post", LIST, {**BODY, "follows": str(debate.pk), "organisation": str(found.pk)})
    assert (await ask("get", f"{LIST}{debate.pk}/"))["followed_by"] == [made["id"]]


async def test_who_was_removed_finds_and_exports_nothing_of_it(alice: User, bob: User) -> None:
    found = await home(alice, member=bob)
    debate, ask = await started(bob, found), await asker(bob)
    path = f"{LIST}{debate.pk}/"
    await database.call(lambda: Membership.objects.filter(person=bob).delete())
    answers = [
        await ask("get", path),
        await ask("get", f"{path}export?format=json"),
        await ask("post", f"{path}control", {"action": "cancel"}),
        await ask("post", f"{path}again", {}),
        await ask("patch", path, {"title": "Mine"}),
        await ask("delete", path),
        await ask("post", f"{path}restore"),
        await ask("get", f"{LIST}?organisation={found.pk}"),
    ]
    assert [status for status, _ in answers] == [404] * len(answers)
    own = await database.call(
        lambda: [*inventory.exported("conversations.Conversation", inventory.person(bob))]
    )
    assert own == []
    # It stays with the organisation.
    assert (await (await asker(alice))("get", path))["author"] == "bob"
    assert debate.topic not in json.dumps(await ask("get", LIST))
