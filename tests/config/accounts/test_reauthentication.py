"""A stolen session does not become a stolen account: what lasts needs the password once more."""

import json
import re
import threading
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from django.utils.http import urlencode

from conversations.access import api_keys
from conversations.models import ApiKey
from tests.config.accounts.conftest import PASSWORD, with_password
from tests.support.api_keys import make

KEYS = "/account/keys/"
ASKS = reverse("account_reauthenticate")
WISH = {"action": "create", "name": "Notebook", "scopes": ["watch"], "lifetime": "30"}


def confirm(client: Client, password: str = PASSWORD, **more: str) -> Any:
    return client.post(ASKS, {"password": password, **more})


def by_api(client: Client, path: str = "/api/keys/") -> Any:
    return client.post(path, json.dumps({"name": "n", "scopes": ["watch"]}), content_type="application/json")


def test_no_address_is_added_by_a_session_alone(signed_in: Client) -> None:
    answer = signed_in.post(reverse("account_email"), {"action_add": "", "email": "attacker@evil.example"})
    assert answer.headers["Location"].startswith(ASKS)
    assert not EmailAddress.objects.filter(email="attacker@evil.example").exists()


@pytest.mark.parametrize("action", ["action_remove", "action_primary"])
def test_no_address_is_changed_by_a_session_alone(signed_in: Client, dora: User, action: str) -> None:
    other = EmailAddress.objects.create(user=dora, email="other@example.com", verified=True)
    answer = signed_in.post(reverse("account_email"), {action: "", "email": other.email})
    assert answer.headers["Location"].startswith(ASKS)
    other.refresh_from_db()
    assert not other.primary


def test_no_key_is_made_by_a_session_alone(signed_in: Client) -> None:
    assert signed_in.post(KEYS, WISH).headers["Location"].startswith(ASKS)
    answer = by_api(signed_in)
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
    assert ASKS in answer.json()["message"]
    assert not ApiKey.objects.exists()


def test_no_secret_is_replaced_by_a_session_alone(signed_in: Client, dora: User) -> None:
    key, secret = make(dora)
    assert signed_in.post(KEYS, {"action": "rotate", "key": key.pk}).headers["Location"].startswith(ASKS)
    assert by_api(signed_in, f"/api/keys/{key.pk}/rotate").json()["code"] == "reauthentication_required"
    assert api_keys.find(secret) == key


def test_a_session_alone_may_revoke_a_key(signed_in: Client, dora: User) -> None:
    key, secret = make(dora)
    signed_in.post(KEYS, {"action": "revoke", "key": key.pk})
    assert api_keys.find(secret) is None


def test_a_wrong_password_makes_no_key(signed_in: Client) -> None:
    signed_in.post(KEYS, WISH)
    assert "Incorrect password" in confirm(signed_in, "wrong", next=KEYS).content.decode()
    assert not ApiKey.objects.exists()


def test_the_password_makes_the_key_that_was_asked_for(signed_in: Client, dora: User) -> None:
    signed_in.post(KEYS, WISH)
    answer = confirm(signed_in, next=KEYS)
    assert "no-store" in answer["Cache-Control"]
    [secret] = re.findall(r"oc_[a-zA-Z0-9]{8}_[a-zA-Z0-9_-]{43}", answer.content.decode())
    found = api_keys.find(secret)
    assert found is not None
    assert (found.owner, found.name, found.scopes) == (dora, "Notebook", ["watch"])
    # Not asked again for a while.
    assert by_api(signed_in).status_code == 201


# The administration, where staff may change everybody's passwords and addresses


@pytest.fixture
def boss(transactional_db: None, client: Client) -> User:
    """Signed in by the page."""
    made = with_password("boss", is_staff=True, is_superuser=True)
    client.post(reverse("account_login"), {"login": made.username, "password": PASSWORD})
    return made


NEW = {"usable_password": "true", "password1": "stolen-horse-9", "password2": "stolen-horse-9"}


def test_no_password_is_set_in_the_admin_by_a_session_alone(client: Client, boss: User) -> None:
    address = reverse("admin:auth_user_password_change", args=[boss.pk])
    for answer in (client.get(address), client.post(address, NEW)):
        assert answer.headers["Location"].startswith(ASKS)
    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)
    # Not kept in the session, as allauth would keep the form.
    assert NEW["password1"] not in str(dict(client.session))


def test_no_address_is_added_in_the_admin_by_a_session_alone(client: Client, boss: User) -> None:
    new = {"user": boss.pk, "email": "attacker@evil.example", "verified": "on"}
    answer = client.post(reverse("admin:account_emailaddress_add"), new)
    assert answer.headers["Location"].startswith(ASKS)
    assert not EmailAddress.objects.filter(email="attacker@evil.example").exists()


def test_the_admin_shows_what_it_has_without_asking(client: Client, boss: User) -> None:
    for page in ("index", "auth_user_changelist", "conversations_auditentry_changelist"):
        assert client.get(reverse(f"admin:{page}")).status_code == 200


def test_the_admin_asks_before_the_form_and_leads_back(client: Client, boss: User) -> None:
    address = reverse("admin:auth_user_password_change", args=[boss.pk])
    assert client.get(address).headers["Location"] == f"{ASKS}?{urlencode({'next': address})}"
    assert confirm(client, next=address).headers["Location"] == address
    assert client.post(address, NEW).status_code == 302
    boss.refresh_from_db()
    assert boss.check_password(NEW["password1"])


def test_who_signs_out_of_the_admin_is_not_asked(client: Client, boss: User) -> None:
    client.post(reverse("admin:logout"))
    assert "_auth_user_id" not in client.session


# Mail about a key


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_new_key_is_mailed_about_without_its_secret(
    signed_in: Client, dora: User, mailoutbox: list[EmailMessage], door: str
) -> None:
    confirm(signed_in)
    answer = by_api(signed_in) if door == "api" else signed_in.post(KEYS, WISH)
    key = ApiKey.objects.get()
    [mail] = mailoutbox
    assert mail.to == [dora.email]
    assert f"New API key: {key.name}" in mail.subject
    assert key.prefix in str(mail.body)
    assert "http://127.0.0.1:8000/account/keys/" in str(mail.body)
    [secret] = re.findall(r"oc_[a-zA-Z0-9]{8}_([a-zA-Z0-9_-]{43})", answer.content.decode())
    assert secret not in str(mail.body)


def test_a_key_is_made_though_the_mail_cannot_be_sent(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    confirm(signed_in)
    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    assert by_api(signed_in).status_code == 201


def test_a_slow_mail_server_holds_no_database_thread(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are four of them for all requests."""
    threads: list[str] = []
    monkeypatch.setattr(
        "django.core.mail.EmailMessage.send", lambda *_: threads.append(threading.current_thread().name)
    )
    confirm(signed_in)
    assert by_api(signed_in).status_code == 201
    [thread] = threads
    assert not thread.startswith("outcry-database")


# Keys and a new password


def change_password(client: Client, **more: str) -> None:
    new = {"password1": "another-horse-battery", "password2": "another-horse-battery"}
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **new, **more})


@pytest.mark.parametrize("chosen", [True, False])
def test_a_new_password_ends_the_keys_if_wished(signed_in: Client, dora: User, chosen: bool) -> None:
    secrets = [make(dora)[1] for _ in range(2)]
    page = signed_in.get(reverse("account_change_password")).content.decode()
    assert "Also revoke my API keys, all 2" in page
    change_password(signed_in, **({"revoke_keys": "on"} if chosen else {}))
    dora.refresh_from_db()
    assert dora.check_password("another-horse-battery")
    assert [api_keys.find(secret) is None for secret in secrets] == [chosen, chosen]


def test_who_has_no_keys_is_not_asked_about_them(signed_in: Client) -> None:
    assert "revoke_keys" not in signed_in.get(reverse("account_change_password")).content.decode()


def test_a_reset_proposes_to_end_the_keys(client: Client, dora: User, mailoutbox: list[EmailMessage]) -> None:
    _, secret = make(dora)
    client.post(reverse("account_reset_password"), {"email": dora.email})
    found = re.search(r"http://127\.0\.0\.1:8000(/\S+)", str(mailoutbox[0].body))
    assert found is not None
    form = client.get(found[1], follow=True)
    assert re.search(r'name="revoke_keys"[^>]* checked', form.content.decode())
    new = {"password1": "another-horse-battery", "password2": "another-horse-battery"}
    client.post(form.redirect_chain[-1][0], {**new, "revoke_keys": "on"})
    assert api_keys.find(secret) is None
