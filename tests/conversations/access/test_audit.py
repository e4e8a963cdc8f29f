"""Reading and commanding somebody else's debate is recorded, through whichever door."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.access import permissions
from conversations.models import AuditEntry, Conversation
from streaming.watchers import admission
from tests.support.api_keys import make


def read() -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(action="transcript_read").select_related("actor").order_by("pk")
    return [(row.actor.username if row.actor else "", row.subject) for row in rows]


def page(client: Client, conversation: Conversation) -> None:
    assert client.get(conversation.get_absolute_url()).status_code == 200


def again(client: Client, conversation: Conversation) -> None:
    assert client.get("/dashboard", {"again": str(conversation.pk)}).status_code == 200


def api(client: Client, conversation: Conversation) -> None:
    assert client.get(f"/api/conversations/{conversation.pk}/").status_code == 200


def socket(client: Client, conversation: Conversation) -> None:
    headers = {"cookie": f"sessionid={client.cookies['sessionid'].value}"}
    asyncio.run(_admitted(headers, conversation))


async def _admitted(headers: dict[str, str], conversation: Conversation) -> None:
    await admission.admit(headers, conversation.pk)


def transcript(client: Client, conversation: Conversation) -> None:
    address = reverse("admin:conversations_conversation_change", args=[conversation.pk])
    assert client.get(address).status_code == 200


def log(client: Client, conversation: Conversation) -> None:
    address = reverse("admin:conversations_event_changelist")
    assert client.get(address, {"conversation": str(conversation.pk)}).status_code == 200


def event(client: Client, conversation: Conversation) -> None:
    address = reverse("admin:conversations_event_change", args=[conversation.events.get().pk])
    assert client.get(address).status_code == 200


DOORS = [page, again, api, socket, transcript, log, event]


@pytest.mark.parametrize("door", DOORS)
def test_a_reviewer_who_reads_is_recorded(
    client: Client, carol: User, conversation: Conversation, door: Callable[[Client, Conversation], None]
) -> None:
    client.force_login(carol)
    door(client, conversation)
    assert read() == [("carol", f"conversation:{conversation.pk}")]


@pytest.mark.parametrize("door", [page, again, api, socket])
def test_an_owner_who_reads_is_not_recorded(
    client: Client, alice: User, conversation: Conversation, door: Callable[[Client, Conversation], None]
) -> None:
    client.force_login(alice)
    door(client, conversation)
    assert read() == []


def test_reading_by_an_api_key_is_recorded(carol: User, conversation: Conversation) -> None:
    _, text = make(carol, "watch")
    api(Client(headers={"authorization": f"Bearer {text}"}), conversation)
    assert read() == [("carol", f"conversation:{conversation.pk}")]


def test_a_debate_that_one_goes_on_reading_is_recorded_once_an_hour(
    client: Client, carol: User, conversation: Conversation
) -> None:
    client.force_login(carol)
    for door in DOORS:
        door(client, conversation)
    assert len(read()) == 1
    AuditEntry._base_manager.update(at=timezone.now() - timedelta(hours=1, seconds=1))
    page(client, conversation)
    assert len(read()) == 2


def test_a_stranger_reads_nothing_and_is_not_recorded(
    client: Client, bob: User, conversation: Conversation
) -> None:
    client.force_login(bob)
    assert client.get(conversation.get_absolute_url()).status_code == 404
    assert read() == []


def test_commanding_somebody_elses_debate_is_recorded(
    carol: User, alice: User, conversation: Conversation
) -> None:
    carol.user_permissions.add(Permission.objects.get(codename="control_conversation"))
    for person in (alice, User.objects.get(pk=carol.pk)):
        permissions.control(person, conversation.pk)
    found: Any = AuditEntry.objects.filter(action="debate_commanded")
    assert [(row.actor.username, row.subject) for row in found] == [
        ("carol", f"conversation:{conversation.pk}")
    ]


def test_a_search_of_everybodys_debates_is_recorded(client: Client, carol: User, alice: User) -> None:
    client.force_login(carol)
    address = reverse("admin:conversations_conversation_changelist")
    assert client.get(address).status_code == 200
    assert read() == []
    assert client.get(address, {"q": "secret plan"}).status_code == 200
    assert read() == [("carol", "conversation:any")]
    assert "secret" not in str(AuditEntry.objects.get().detail)
