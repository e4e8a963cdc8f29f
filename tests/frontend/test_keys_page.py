"""The page of API keys, as a browser gets it; and keys in the admin."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from conversations.access import api_keys
from conversations.models import ApiKey
from tests.frontend.pages import text
from tests.frontend.test_pages import assert_inert
from tests.support.api_keys import expire, make, revoke

pytestmark = pytest.mark.django_db

ADDRESS = "/account/keys/"
ADMIN = reverse("admin:conversations_apikey_changelist")


def post(client: Client, action: str, **fields: Any) -> Any:
    return client.post(ADDRESS, {"action": action, **fields})


def create(client: Client, **fields: Any) -> Any:
    wished = {"name": "Notebook", "scopes": ["watch", "start"], "lifetime": "30", **fields}
    return post(client, "create", **wished)


def new_key(page: str) -> str:
    """The key that the page shows."""
    [found] = re.findall(r"oc_[a-zA-Z0-9]{8}_[a-zA-Z0-9_-]{43}", page)
    return str(found)


# The page


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    response = client.get(ADDRESS)
    assert (response.status_code, response["Location"]) == (302, f"{reverse('account_login')}?next={ADDRESS}")
    assert create(client).status_code == 302
    assert not ApiKey.objects.exists()


def test_it_lists_ones_own_keys_and_no_secret(signed_in: Client, alice: User, bob: User) -> None:
    (first, secret), (second, other), (gone, _) = make(alice), make(alice, "watch"), make(alice)
    theirs, hidden = make(bob)
    expire(first)
    revoke(gone)
    response = signed_in.get(ADDRESS)
    page = text(response)
    prefixes = re.findall(r"<code>(oc_\w{8})…</code>", page)
    assert prefixes == [second.prefix, first.prefix]
    assert theirs.prefix not in page
    for told in (secret, other, hidden):
        assert told.partition("_")[2][9:] not in page
    for key in ApiKey.objects.all():
        assert key.digest not in page
    assert "no-store" in response["Cache-Control"]


def test_an_expired_key_can_be_revoked_but_not_replaced(signed_in: Client, alice: User) -> None:
    key, _ = make(alice)
    expire(key)
    page = text(signed_in.get(ADDRESS))
    assert 'tag-expired">expired' in page
    assert 'value="revoke"' in page
    assert 'value="rotate"' not in page
    assert "This key has expired." in text(
        signed_in.post(ADDRESS, {"action": "rotate", "key": key.pk}, follow=True)
    )


def test_a_name_cannot_become_markup(signed_in: Client, alice: User) -> None:
    name = "</h3><script>alert(1)</script>"
    make(alice, name=name)
    for page in (text(signed_in.get(ADDRESS)), text(create(signed_in, name=name))):
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_a_name_without_a_visible_character_is_refused(signed_in: Client) -> None:
    page = text(create(signed_in, name="\u200b\ufeff"))
    assert "Enter at least one visible character." in page
    assert not ApiKey.objects.exists()


def test_it_keeps_to_the_sites_strict_policy(signed_in: Client) -> None:
    response = signed_in.get(ADDRESS)
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in response["Content-Security-Policy"]
    assert_inert(text(response))


def test_the_menu_and_the_account_lead_there(signed_in: Client) -> None:
    assert f'href="{ADDRESS}">API keys' in text(signed_in.get("/accounts/email/"))
    assert f'href="{ADDRESS}" aria-current="page"' in text(signed_in.get(ADDRESS))


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(signed_in: Client, method: str) -> None:
    assert getattr(signed_in, method)(ADDRESS).status_code == 405


def test_an_unknown_action_is_a_bad_request(signed_in: Client) -> None:
    assert post(signed_in, "delete").status_code == 400


@pytest.mark.parametrize("action", ["create", "rotate", "revoke"])
def test_every_action_needs_the_csrf_token(alice: User, action: str) -> None:
    key, secret = make(alice)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert create(strict).status_code == 403
    assert post(strict, action, key=key.pk).status_code == 403
    assert api_keys.find(secret) == ApiKey.objects.get()


# Creating


def test_a_new_key_is_shown_once_and_stored_nowhere(signed_in: Client, alice: User) -> None:
    response = create(signed_in)
    secret = new_key(text(response))
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert secret not in repr([dict(signed_in.session), signed_in.cookies, response.headers])
    found = api_keys.find(secret)
    assert found is not None
    assert (found.owner, found.name, found.scopes) == (alice, "Notebook", ["watch", "start"])
    assert secret not in text(signed_in.get(ADDRESS))


@pytest.mark.parametrize(("lifetime", "days"), [("7", 7), ("365", 365), ("", None)])
def test_a_new_key_expires_as_chosen(signed_in: Client, lifetime: str, days: int | None) -> None:
    create(signed_in, lifetime=lifetime)
    expires_at = ApiKey.objects.get().expires_at
    if days is None:
        assert expires_at is None
    else:
        assert expires_at is not None
        assert abs(expires_at - timezone.now() - timedelta(days=days)) < timedelta(minutes=1)


def test_the_longest_life_of_the_site_is_the_longest_offered(signed_in: Client, settings: Settings) -> None:
    settings.OUTCRY_KEY_DAYS = 60
    page = text(signed_in.get(ADDRESS))
    assert re.findall(r'<option value="(\d*)"', page) == ["7", "30", "60"]
    assert '<option value="60" selected>' in page
    assert "A key is valid for at most 60 days here." in text(create(signed_in, lifetime=""))
    assert "Select a valid choice." in text(create(signed_in, lifetime="365"))
    create(signed_in, lifetime="60")
    assert ApiKey.objects.get().ends_at is not None


@pytest.mark.parametrize(
    ("fields", "name", "problem"),
    [
        ({"name": "  "}, "name", "Enter a name."),
        ({"name": "x" * 101}, "name", "Use at most 100 characters."),
        ({"name": "a\0b"}, "name", "Null characters are not allowed."),
        ({"scopes": []}, "scopes", "Choose at least one permission."),
        ({"scopes": ["admin"]}, "scopes", "Select a valid choice."),
        ({"lifetime": "9999"}, "lifetime", "Select a valid choice."),
    ],
)
def test_a_problem_stands_beside_its_field(
    signed_in: Client, fields: dict[str, Any], name: str, problem: str
) -> None:
    page = text(create(signed_in, **fields))
    assert re.search(rf'<ul class="errorlist" id="id_{name}_error"><li>{re.escape(problem)}', page)
    assert 'data-testid="new-key"' not in page
    assert not ApiKey.objects.exists()


def test_what_was_entered_stays_after_a_problem(signed_in: Client) -> None:
    page = text(create(signed_in, name="Mine", scopes=[], lifetime="365"))
    assert 'value="Mine"' in page
    assert '<option value="365" selected>' in page
    assert not re.search(r'type="checkbox"[^>]* checked', page)


def test_keys_over_the_limit_are_refused_above_the_form(signed_in: Client, alice: User) -> None:
    for _ in range(api_keys.MAX_KEPT):
        make(alice)
    assert "You have reached the limit of 20 keys." in text(create(signed_in))
    assert ApiKey.objects.count() == api_keys.MAX_KEPT


def test_the_rate_limit_of_the_api_holds_here(signed_in: Client, alice: User, settings: Settings) -> None:
    settings.OUTCRY_CONTROL_RATE = "1/minute"
    key, secret = make(alice)
    assert 'data-testid="new-key"' in text(create(signed_in))
    assert "Too many requests; try again in" in text(create(signed_in))
    refused = signed_in.post(ADDRESS, {"action": "rotate", "key": key.pk}, follow=True)
    assert "Too many requests; try again in" in text(refused)
    assert api_keys.find(secret) == key


# Rotating and revoking


def test_rotating_shows_the_new_secret_and_ends_the_old_one(signed_in: Client, alice: User) -> None:
    key, old = make(alice, name="Notebook of hers")
    response = post(signed_in, "rotate", key=key.pk)
    secret = new_key(text(response))
    assert "Notebook of hers" in text(response)
    assert "no-store" in response["Cache-Control"]
    assert (api_keys.find(old), api_keys.find(secret)) == (None, key)


def test_revoking_says_so_after_a_redirect(signed_in: Client, alice: User) -> None:
    key, secret = make(alice)
    response = post(signed_in, "revoke", key=key.pk)
    assert (response.status_code, response["Location"]) == (302, ADDRESS)
    page = text(signed_in.get(ADDRESS))
    assert "Revoked: Notebook." in page
    assert 'data-testid="no-keys"' in page
    assert api_keys.find(secret) is None


@pytest.mark.parametrize("action", ["rotate", "revoke"])
@pytest.mark.parametrize("chosen", ["theirs", "unknown", "no id"])
def test_other_keys_cannot_be_changed(signed_in: Client, bob: User, action: str, chosen: str) -> None:
    key, secret = make(bob)
    named = {"theirs": str(key.pk), "unknown": "11111111-1111-4111-8111-111111111111", "no id": "x"}[chosen]
    page = text(signed_in.post(ADDRESS, {"action": action, "key": named}, follow=True))
    assert "There is no such key." in page
    assert api_keys.find(secret) == key


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
