"""The page of API keys, as a browser gets it; and keys in the admin."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django_vite.core.asset_loader import (  # type: ignore[import-untyped]
    DjangoViteAppClient,
    DjangoViteAssetLoader,
    DjangoViteConfig,
)

from conversations.access import api_keys
from conversations.models import ApiKey
from tests.support.api_keys import expire, make, revoke

pytestmark = pytest.mark.django_db

ADDRESS = "/account/keys/"
ADMIN = reverse("admin:conversations_apikey_changelist")


@pytest.fixture(autouse=True)
def _built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the built front end: django-vite finds its files in this manifest."""
    entries = ("src/pages/main.ts", "src/pages/keys.ts")
    manifest = {name: {"file": f"assets/{name[4:-3]}.js", "src": name, "isEntry": True} for name in entries}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    config = DjangoViteConfig(manifest_path=str(tmp_path / "manifest.json"))
    monkeypatch.setitem(DjangoViteAssetLoader.instance()._apps, "default", DjangoViteAppClient(config))


def text(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def page_data(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="api-keys" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


# The page


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    response = client.get(ADDRESS)
    assert (response.status_code, response["Location"]) == (302, f"{reverse('account_login')}?next={ADDRESS}")


def test_it_lists_ones_own_keys_and_no_secret(client: Client, alice: User, bob: User) -> None:
    (first, secret), (second, other), (gone, _) = make(alice), make(alice, "watch"), make(alice)
    _, theirs = make(bob)
    expire(first)
    revoke(gone)
    client.force_login(alice)
    response = client.get(ADDRESS)
    data = page_data(text(response))
    assert [(key["id"], key["prefix"]) for key in data["keys"]] == [
        (str(second.pk), second.prefix),
        (str(first.pk), first.prefix),
    ]
    assert data["keys"][0]["scopes"] == ["watch"]
    for told in (secret, other, theirs):
        assert told.partition("_")[2][9:] not in text(response)
    for key in ApiKey.objects.all():
        assert key.digest not in text(response)
    assert [choice["scope"] for choice in data["scopes"]] == ["watch", "start", "control"]
    assert "no-store" in response["Cache-Control"]


def test_a_name_cannot_become_markup(client: Client, alice: User) -> None:
    make(alice, name="</script><script>alert(1)</script>")
    client.force_login(alice)
    page = text(client.get(ADDRESS))
    assert "<script>alert(1)" not in page
    assert page_data(page)["keys"][0]["name"] == "</script><script>alert(1)</script>"


def test_it_keeps_to_the_sites_strict_policy(client: Client, alice: User) -> None:
    client.force_login(alice)
    response = client.get(ADDRESS)
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in response["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]* src=)(?![^>]*application/json)", text(response)) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", text(response)) == []


def test_the_menu_and_the_account_lead_there(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert f'href="{ADDRESS}">API keys' in text(client.get("/accounts/email/"))
    assert f'href="{ADDRESS}" aria-current="page"' in text(client.get(ADDRESS))


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_page_itself_changes_nothing(client: Client, alice: User, method: str) -> None:
    client.force_login(alice)
    assert getattr(client, method)(ADDRESS).status_code == 405


# The admin


@pytest.fixture
def dave(transactional_db: None) -> User:
    """Staff, with the rights to see and revoke keys."""
    dave = User.objects.create(username="dave", email="dave@example.com", password="!", is_staff=True)
    dave.user_permissions.add(
        *Permission.objects.filter(codename__in=("view_apikey", "revoke_apikey")),
    )
    return dave


def revoke_there(client: Client, *chosen: ApiKey) -> Any:
    fields = {"action": "revoke", "_selected_action": [str(key.pk) for key in chosen]}
    return client.post(ADMIN, fields, follow=True)


def test_staff_see_whose_keys_there_are_and_no_hash(client: Client, alice: User, dave: User) -> None:
    key, _ = make(alice, "watch", name="Notebook of hers")
    client.force_login(dave)
    one = client.get(reverse("admin:conversations_apikey_change", args=[key.pk]))
    for page in (text(client.get(ADMIN)), text(client.get(f"{ADMIN}?state=live")), text(one)):
        assert all(word in page for word in ("Notebook of hers", "alice", key.prefix, "watch"))
        assert key.digest not in page
    assert "Notebook of hers" not in text(client.get(f"{ADMIN}?state=dead"))


def test_staff_revoke_a_key_and_it_is_written_down(client: Client, alice: User, dave: User) -> None:
    (key, secret), (gone, _), (_, kept) = make(alice), make(alice), make(alice)
    revoke(gone)
    revoked_at = ApiKey.objects.get(pk=gone.pk).revoked_at
    client.force_login(dave)
    assert "Revoked: 1." in text(revoke_there(client, key, gone))
    assert api_keys.find(secret) is None
    assert api_keys.find(kept) is not None
    assert ApiKey.objects.get(pk=gone.pk).revoked_at == revoked_at
    [entry] = LogEntry.objects.all()
    assert (entry.user, entry.object_id) == (dave, str(key.pk))


def test_who_may_only_see_keys_revokes_none(client: Client, alice: User, dave: User) -> None:
    key, secret = make(alice)
    dave.user_permissions.remove(Permission.objects.get(codename="revoke_apikey"))
    client.force_login(dave)
    revoke_there(client, key)
    assert api_keys.find(secret) is not None


def test_reviewers_of_conversations_see_no_keys(client: Client, carol: User) -> None:
    client.force_login(carol)
    assert client.get(ADMIN).status_code == 403


def test_nothing_is_added_changed_or_deleted_there(client: Client, alice: User) -> None:
    key, _ = make(alice)
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client.force_login(alice)
    change = reverse("admin:conversations_apikey_change", args=[key.pk])
    for path in (reverse("admin:conversations_apikey_add"), change, f"{change[: -len('change/')]}delete/"):
        assert client.post(path, {"name": "Other"}).status_code == 403
    client.post(ADMIN, {"action": "delete_selected", "_selected_action": [str(key.pk)], "post": "yes"})
    assert ApiKey.objects.get(pk=key.pk).name == key.name
