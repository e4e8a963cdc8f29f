"""The audit trail: who signed in or failed to, and who changed what. It holds no secret, and nobody changes it."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from config.management import servers
from conversations.access import audit
from conversations.domain.enums import AuditAction
from conversations.models import AuditEntry
from tests.config.accounts.conftest import PASSWORD, with_password
from tests.support.sessions import confirm

NEW = "another-horse-battery"
LIST = reverse("admin:conversations_auditentry_changelist")


def entries() -> list[tuple[str, str | None, str]]:
    """Action, actor and subject of each entry, oldest first."""
    rows = AuditEntry.objects.select_related("actor").order_by("pk")
    return [(row.action, row.actor.username if row.actor else None, row.subject) for row in rows]


def sign_in(login: str, password: str = PASSWORD) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": login, "password": password})
    return client


def test_signing_in_and_out_is_recorded_with_the_address(dora: User) -> None:
    sign_in("dora").post(reverse("account_logout"))
    mine = f"user:{dora.pk}"
    assert entries() == [("signed_in", "dora", mine), ("signed_out", "dora", mine)]
    assert {row.address for row in AuditEntry.objects.all()} == {"127.0.0.1"}


def test_failures_are_recorded_without_what_was_typed(dora: User) -> None:
    for login in ("dora", "dora@example.com", PASSWORD):
        sign_in(login, "my-other-password")
    mine = f"user:{dora.pk}"
    assert entries() == [("sign_in_failed", None, subject) for subject in (mine, mine, "")]
    kept = json.dumps([*AuditEntry.objects.values_list("subject", "detail")])
    assert PASSWORD not in kept
    assert "my-other-password" not in kept


def test_a_locked_name_is_recorded_as_locked(dora: User) -> None:
    for _ in range(6):
        sign_in("dora", "wrong")
    assert [row.detail["locked"] for row in AuditEntry.objects.order_by("pk")] == [False] * 5 + [True]


def add_address(client: Client, _: User) -> None:
    client.post(reverse("account_email"), {"action_add": "", "email": "secretname@evil.example"})


def remove_address(client: Client, dora: User) -> None:
    EmailAddress.objects.create(user=dora, email="old@example.com", verified=True)
    client.post(reverse("account_email"), {"action_remove": "", "email": "old@example.com"})


def change_password(client: Client, _: User) -> None:
    new = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    client.post(reverse("account_change_password"), new)


def add_factor(client: Client, _: User) -> None:
    client.get(reverse("mfa_activate_totp"))
    moment = next(iter(totp.yield_hotp_counters_from_time()))
    code = totp.format_hotp_value(totp.hotp_value(client.session[totp.SECRET_SESSION_KEY], moment))
    client.post(reverse("mfa_activate_totp"), {"code": code})


def make_key(client: Client, _: User) -> None:
    wish = json.dumps({"name": "n", "scopes": ["watch"]})
    assert client.post("/api/keys/", wish, content_type="application/json").status_code == 201


def end_sessions(client: Client, dora: User) -> None:
    sign_in("dora")
    AuditEntry.objects.all()._raw_delete("default")
    client.post(reverse("usersessions_list"))


@pytest.mark.parametrize(
    ("change", "action", "kind"),
    [
        (add_address, "email_added", "user"),
        (remove_address, "email_removed", "user"),
        (change_password, "password_changed", "user"),
        (add_factor, "second_factor_added", "user"),
        (make_key, "key_created", "key"),
        (end_sessions, "sessions_ended", "user"),
    ],
)
def test_each_change_of_an_account_is_recorded(
    signed_in: Client, dora: User, change: Callable[[Client, User], None], action: str, kind: str
) -> None:
    confirm(signed_in, dora)
    AuditEntry.objects.all()._raw_delete("default")
    change(signed_in, dora)
    found = entries()
    assert action in {entry[0] for entry in found}
    assert all(actor == "dora" for _, actor, _ in found)
    assert any(subject.startswith(f"{kind}:") for _, _, subject in found)
    kept = json.dumps([*AuditEntry.objects.values_list("detail", flat=True)])
    assert not any(secret in kept for secret in (PASSWORD, NEW, "secretname", "oc_"))


# In the administration


@pytest.fixture
def auditor(transactional_db: None) -> Client:
    """Staff who may view the trail, and whom Django would let change it."""
    sam = with_password("sam", is_staff=True)
    rights = Permission.objects.filter(content_type__model="auditentry")
    sam.user_permissions.add(*rights)
    assert rights.count() == 4
    return sign_in("sam")


def test_the_trail_is_shown_to_those_who_may_view_it(auditor: Client, dora: User) -> None:
    audit.record(AuditAction.EXPORTED, dora, "conversation:7", format="pdf")
    page = auditor.get(LIST).content.decode()
    assert all(words in page for words in ("exported data", "dora", "conversation:7"))
    entry = AuditEntry.objects.get(action="exported")
    detail = auditor.get(reverse("admin:conversations_auditentry_change", args=[entry.pk])).content.decode()
    assert "pdf" in detail
    found = auditor.get(LIST, {"q": "conversation:7"}).content.decode()
    assert "exported data" in found
    assert ">signed in<" not in found.partition("changelist-filter")[0].partition("result_list")[2]


def test_no_administrator_changes_or_deletes_an_entry(auditor: Client, dora: User) -> None:
    audit.record(AuditAction.EXPORTED, dora, "conversation:7")
    entry = AuditEntry.objects.get(action="exported")
    for name in ("add", "change", "delete"):
        args = [] if name == "add" else [entry.pk]
        page = reverse(f"admin:conversations_auditentry_{name}", args=args)
        assert auditor.post(page, {"subject": "other", "post": "yes"}).status_code == 403
    auditor.post(LIST, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert AuditEntry.objects.get(pk=entry.pk).subject == "conversation:7"


def test_who_may_not_view_it_does_not(dora: User) -> None:
    User.objects.filter(pk=dora.pk).update(is_staff=True)
    assert sign_in("dora").get(LIST).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.delete(),
        lambda entry: entry.save(),
        lambda _: AuditEntry.objects.update(subject="other"),
        lambda _: AuditEntry.objects.all().delete(),
    ],
)
def test_no_code_changes_an_entry(dora: User, change: Callable[[AuditEntry], Any]) -> None:
    audit.record(AuditAction.EXPORTED, dora)
    with pytest.raises(TypeError, match="never"):
        change(AuditEntry.objects.get())


def test_an_entry_outlives_its_person(dora: User) -> None:
    audit.record(AuditAction.EXPORTED, dora, "conversation:7")
    dora.delete()
    assert entries() == [("exported", None, "conversation:7")]


def test_what_administrators_change_is_recorded(dora: User) -> None:
    sam = with_password("sam", is_staff=True, is_superuser=True)
    client = sign_in("sam")
    confirm(client, sam)
    client.post(reverse("admin:auth_user_delete", args=[dora.pk]), {"post": "yes"})
    entry = AuditEntry.objects.get(action="admin_changed")
    assert entry.actor_id == sam.pk
    # The person is erased: a pseudonym stands for their id.
    assert entry.subject.startswith("auth.user:erased-")
    assert entry.detail == {"did": "Deletion"}


def test_other_settings_of_a_start_are_recorded_once(
    transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "serve_uvicorn", lambda *_: None)
    monkeypatch.delenv("DJANGO_SUPERUSER_USERNAME", raising=False)
    settings.OUTCRY_PROVIDERS = ["demo"]
    for sign_up in ("open", "open", "closed"):
        settings.OUTCRY_SIGN_UP = sign_up
        call_command("serve", stdout=StringIO())
    rows = AuditEntry.objects.filter(action="settings_changed").order_by("pk")
    assert [row.detail["sign_up"] for row in rows] == ["open", "closed"]
