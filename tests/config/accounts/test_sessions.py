"""The list of a person's sessions, and its button that ends all others."""

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from conversations.access import principals
from conversations.domain.errors import Unauthenticated
from conversations.models import AuditEntry
from tests.config.accounts.conftest import PASSWORD, with_password

PAGE = reverse("usersessions_list")


def sign_in(person: User, browser: str) -> Client:
    client = Client(headers={"user-agent": browser})
    client.post(reverse("account_login"), {"login": person.username, "password": PASSWORD})
    return client


def test_the_page_lists_ones_own_sessions_only(dora: User) -> None:
    laptop, _ = sign_in(dora, "Laptop"), sign_in(dora, "<b>Telephone</b>")
    sign_in(with_password("emil"), "Emil's")
    page = laptop.get(PAGE).content.decode()
    assert page.count('data-testid="session-row"') == 2
    assert "Laptop" in page
    assert "&lt;b&gt;Telephone&lt;/b&gt;" in page
    assert "Emil" not in page
    assert page.count("This browser") == 1
    assert laptop.session.session_key is not None
    assert laptop.session.session_key not in page


def test_all_other_sessions_are_ended_and_this_one_stays(dora: User) -> None:
    laptop, telephone = sign_in(dora, "Laptop"), sign_in(dora, "Telephone")
    stranger = sign_in(with_password("emil"), "Emil's")
    stolen = str(telephone.session.session_key)
    assert principals.of_session(stolen).user == dora
    assert "Signed out of all other sessions." in laptop.post(PAGE, follow=True).content.decode()
    with pytest.raises(Unauthenticated):
        principals.of_session(stolen)
    assert telephone.get("/dashboard").status_code == 302
    assert [client.get("/dashboard").status_code for client in (laptop, stranger)] == [200, 200]


def test_one_session_is_ended_and_the_others_stay(dora: User) -> None:
    laptop, telephone, tablet = (sign_in(dora, name) for name in ("Laptop", "Telephone", "Tablet"))
    stranger = sign_in(with_password("emil"), "Emil's")
    rows = {row.user_agent: row.pk for row in UserSession.objects.all()}

    def end(browser: str) -> str:
        answer = laptop.post(reverse("end_session", args=[rows[browser]]), follow=True)
        return str(answer.content.decode())

    assert "Signed out: Telephone." in end("Telephone")
    assert "Signed out" not in end("Emil's")
    assert "Signed out" not in end("Laptop")
    clients = (laptop, telephone, tablet, stranger)
    assert [client.get(reverse("your_data")).status_code for client in clients] == [200, 302, 200, 200]
    ended = AuditEntry.objects.get(action="sessions_ended")
    assert (ended.actor_id, ended.detail) == (dora.pk, {"number": 1})


def test_the_account_leads_to_the_sessions(signed_in: Client) -> None:
    assert f'href="{PAGE}">Sessions' in signed_in.get(reverse("account_email")).content.decode()
    assert "No other browser is signed in." in signed_in.get(PAGE).content.decode()
