"""The history of a person's debates: filters, names, pins, deletion and its undoing."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from conversations.domain.enums import Stance, Status
from conversations.event_log import appender, queries
from conversations.infrastructure import database
from conversations.models import Conversation
from tests.conversations.api.conftest import LIST, Ask, asking, topics
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)


def three(alice: User) -> None:
    """One that was bought in January, a demo that was stopped in March, and one that waits."""
    bought, stopped, _ = [debates.create(alice, topic=topic) for topic in ("bought", "stopped", "waiting")]
    change = Conversation.objects.filter
    change(pk=bought.pk).update(
        status=Status.COMPLETED,
        verdict=debates.complete(verdict=Stance.BUY).model_dump(mode="json"),
        cost="0.5",
        models_used="\nalpha\n\nbeta\n",
        created_at=datetime(2027, 1, 31, 23, 30, tzinfo=UTC),
    )
    change(pk=stopped.pk).update(
        status=Status.CANCELLED,
        mode="demo",
        models_used="\nalphabet\n",
        created_at=datetime(2027, 3, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=completed&status=queued", ["bought", "waiting"]),
        ("verdict=buy", ["bought"]),
        ("mode=demo", ["stopped"]),
        ("model=alpha", ["bought"]),
        ("panel=other", []),
        ("to=2027-01-31", ["bought", "waiting"]),
        ("to=2027-01-31T23:29:00Z", ["waiting"]),
        ("from=2027-02-01&to=2027-03-01", ["stopped"]),
        ("sort=title", ["bought", "stopped", "waiting"]),
        ("sort=cost", ["bought", "stopped", "waiting"]),
        ("sort=newest", ["stopped", "bought", "waiting"]),
    ],
)
async def test_debates_are_filtered_and_sorted(alice: User, ask: Ask, query: str, found: list[str]) -> None:
    await database.call(three, alice)
    assert await topics(ask, query) == found
    assert await ask("get", f"{LIST}models") == ["alpha", "alphabet", "beta"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("status=gone", "status"), ("from=yesterday", "from"), ("to=9999-12-31", "to"), ("sort=x", "sort"),
     ("mode=x", "mode"), ("q=" + "x" * 201, "q")],
)  # fmt: skip
async def test_bad_filters_are_refused_by_name(ask: Ask, query: str, field: str) -> None:
    status, body = await ask("get", f"{LIST}?{query}")
    assert (status, [problem["field"] for problem in body["errors"]]) == (422, [field])


async def test_a_renamed_and_pinned_debate_is_listed_first(alice: User, ask: Ask) -> None:
    first, second = [await debates.created(alice, topic=topic) for topic in ("first", "second")]
    changed = await ask("patch", f"{LIST}{first.pk}/", {"title": " Mine ", "pinned": True})
    assert changed == {"id": str(first.pk), "title": "Mine", "pinned": True}
    assert await topics(ask, "") == ["first", "second"]
    assert await topics(ask, "pinned=false") == ["second"]
    # What is left out stays; an empty name is none.
    assert (await ask("patch", f"{LIST}{first.pk}/", {"title": ""}))["pinned"] is True
    assert (await ask("get", f"{LIST}{first.pk}/"))["title"] is None
    status, body = await ask("patch", f"{LIST}{second.pk}/", {"title": "x" * 201, "pinned": 1})
    assert (status, [problem["field"] for problem in body["errors"]]) == (422, ["title", "pinned"])


async def test_a_deleted_debate_is_hidden_from_its_owner_alone(
    alice: User, carol: User, ask: Ask, conversation: Conversation
) -> None:
    await appender.append(conversation.pk, *debates.every_event())
    address = f"{LIST}{conversation.pk}/"
    assert await ask("delete", address) == {"id": str(conversation.pk), "was_running": False}
    for path in (address, f"{address}events"):
        assert (await ask("get", path))[0] == 404
    assert (await ask("patch", address, {"pinned": True}))[0] == 404
    assert await topics(ask, "") == []
    reviewer = AsyncClient()
    await database.call(reviewer.force_login, carol)
    assert (await asking(reviewer)("get", address))["id"] == str(conversation.pk)
    assert (await ask("post", f"{address}restore"))["id"] == str(conversation.pk)
    assert await topics(ask, "") == [conversation.topic]


async def test_deleting_a_running_debate_stops_it(alice: User, ask: Ask, conversation: Conversation) -> None:
    assert (await ask("delete", f"{LIST}{conversation.pk}/"))["was_running"] is True
    [(_, _, command)] = [
        row for row in await database.call(list, queries.read_all(conversation.pk)) if row[1] == "control"
    ]
    assert (command["action"], command["actor"]) == ("cancel", "alice")


async def test_nobody_else_changes_a_debate(bob: User, conversation: Conversation) -> None:
    client = AsyncClient()
    await database.call(client.force_login, bob)
    theirs, address = asking(client), f"{LIST}{conversation.pk}/"
    assert (await theirs("patch", address, {"pinned": True}))[0] == 404
    assert (await theirs("delete", address))[0] == (await theirs("post", f"{address}restore"))[0] == 404


async def test_the_models_that_spoke_are_kept(alice: User, conversation: Conversation) -> None:
    await appender.append(conversation.pk, *debates.every_event())
    assert (await debates.fresh(conversation)).model_names == ["stand-in"]
