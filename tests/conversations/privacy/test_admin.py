"""Legal holds, deletions, exports and erasures in the administration."""

from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from conversations.domain.enums import DeletionReason
from conversations.models import AuditEntry, Conversation, Deletion, LegalHold
from conversations.privacy import deletion
from tests.support import belongings

HOLDS = reverse("admin:conversations_legalhold_changelist")
ADD = reverse("admin:conversations_legalhold_add")
LINES = reverse("admin:conversations_deletion_changelist")
USERS = reverse("admin:auth_user_changelist")


def allowed(person: User, *codenames: str) -> Client:
    person.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def officer(carol: User) -> Client:
    return allowed(carol, "add_legalhold", "change_legalhold", "view_legalhold", "view_deletion")


def chosen(client: Client, page: str, action: str, *keys: object) -> Any:
    return client.post(page, {"action": action, "_selected_action": [str(key) for key in keys]})


@pytest.mark.parametrize("on", ["person", "conversation"])
def test_a_hold_is_placed_and_lifted_with_entries(
    officer: Client, carol: User, alice: User, conversation: Conversation, on: str
) -> None:
    held = str(alice.pk) if on == "person" else str(conversation.pk)
    assert officer.post(ADD, {on: held, "reason": "Tarnwick v. Outcry"}).status_code == 302
    hold = LegalHold.objects.get()
    assert (hold.placed_by, hold.lifted_at) == (carol, None)
    assert "Tarnwick v. Outcry" in officer.get(HOLDS).content.decode()
    detail = reverse("admin:conversations_legalhold_change", args=[hold.pk])
    assert "Tarnwick v. Outcry" in officer.get(detail).content.decode()
    assert chosen(officer, HOLDS, "lift", hold.pk).status_code == 302
    hold.refresh_from_db()
    assert hold.lifted_by == carol
    subject = f"{'user' if on == 'person' else 'conversation'}:{held}"
    entries = AuditEntry.objects.filter(action__startswith="hold_").order_by("pk")
    assert [(row.action, row.actor, row.subject) for row in entries] == [
        ("hold_placed", carol, subject),
        ("hold_lifted", carol, subject),
    ]


@pytest.mark.parametrize("both", [True, False])
def test_a_hold_names_either_a_person_or_a_debate(
    officer: Client, alice: User, conversation: Conversation, both: bool
) -> None:
    given = {"person": str(alice.pk), "conversation": str(conversation.pk)} if both else {}
    page = officer.post(ADD, {**given, "reason": "x"}).content.decode()
    assert "Name either a person or a debate." in page
    assert not LegalHold.objects.exists()


def test_a_hold_is_neither_changed_nor_deleted(officer: Client, alice: User, carol: User) -> None:
    hold = LegalHold.objects.create(person=alice, reason="kept")
    client = allowed(carol, "delete_legalhold")
    for name in ("change", "delete"):
        page = reverse(f"admin:conversations_legalhold_{name}", args=[hold.pk])
        assert client.post(page, {"reason": "other", "post": "yes"}).status_code == 403
    chosen(client, HOLDS, "delete_selected", hold.pk)
    hold.refresh_from_db()
    assert hold.reason == "kept"


def test_who_may_only_view_holds_lifts_none(carol: User, alice: User) -> None:
    hold = LegalHold.objects.create(person=alice, reason="kept")
    chosen(allowed(carol, "view_legalhold"), HOLDS, "lift", hold.pk)
    hold.refresh_from_db()
    assert hold.lifted_at is None


def test_the_lines_of_deleted_debates_are_found(officer: Client, alice: User) -> None:
    debate = belongings.ended(alice)
    deletion.delete(debate.pk, DeletionReason.RETENTION)
    for asked in ({}, {"q": str(debate.pk)}, {"q": "0" * 64}):
        assert "0" * 64 in officer.get(f"{LINES}?{urlencode(asked)}").content.decode()
    line = reverse("admin:conversations_deletion_change", args=[debate.pk])
    assert officer.post(line, {"reason": "erasure"}).status_code == 403
    assert Deletion.objects.get().reason == "retention"


# Users


def test_deleting_a_user_erases_the_person(carol: User, alice: User) -> None:
    belongings.debate(alice)
    client = allowed(carol, "delete_user", "view_user")
    page = reverse("admin:auth_user_delete", args=[alice.pk])
    assert "alice: the account, and 1 debate" in client.get(page).content.decode()
    assert client.post(page, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(username="alice").exists()
    assert Deletion.objects.get().reason == "erasure"
    assert AuditEntry.objects.get(action="erasure_begun").actor == carol


def test_deleting_the_selected_users_erases_each(carol: User, alice: User, bob: User) -> None:
    client = allowed(carol, "delete_user", "view_user")
    fields = {"action": "delete_selected", "post": "yes", "_selected_action": [alice.pk, bob.pk]}
    assert client.post(USERS, fields).status_code == 302
    assert not User.objects.filter(username__in=["alice", "bob"]).exists()


def test_a_user_under_hold_is_not_deleted(carol: User, alice: User) -> None:
    LegalHold.objects.create(person=alice, reason="Tarnwick v. Outcry")
    client = allowed(carol, "delete_user", "view_user")
    page = reverse("admin:auth_user_delete", args=[alice.pk])
    selected = {"action": "delete_selected", "post": "yes", "_selected_action": [alice.pk]}
    answers = [client.get(page), client.post(page, {"post": "yes"}), client.post(USERS, selected)]
    for answer in answers:
        assert "cannot be deleted now" in answer.content.decode()
        assert "alice: Under legal hold since" in answer.content.decode()
    assert User.objects.filter(pk=alice.pk, is_active=True).exists()


def test_administrators_do_not_delete_themselves_there(carol: User) -> None:
    client = allowed(carol, "delete_user", "view_user")
    page = reverse("admin:auth_user_delete", args=[carol.pk])
    assert "This is you." in client.post(page, {"post": "yes"}).content.decode()
    assert User.objects.filter(pk=carol.pk).exists()


def test_a_users_data_is_exported_with_the_permission(carol: User, alice: User, bob: User) -> None:
    assert chosen(allowed(carol, "view_user"), USERS, "export_data", alice.pk).status_code == 200
    assert not AuditEntry.objects.filter(action="exported").exists()
    client = allowed(User.objects.get(pk=carol.pk), "export_person")
    answer = chosen(client, USERS, "export_data", alice.pk)

    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    assert async_to_sync(read)().startswith(b"PK")
    entry = AuditEntry.objects.get(action="exported")
    assert (entry.actor, entry.subject) == (carol, f"user:{alice.pk}")
    assert chosen(client, USERS, "export_data", alice.pk, bob.pk).status_code == 302
    assert AuditEntry.objects.filter(action="exported").count() == 1
