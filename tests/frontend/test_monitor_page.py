"""The operators' page, as a browser gets it."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.frontend.pages import page_data, text
from tests.frontend.test_pages import assert_inert

pytestmark = pytest.mark.django_db

ADDRESS = "/monitor/"
LINK = f'href="{ADDRESS}"'


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    response = client.get(ADDRESS)
    assert (response.status_code, response["Location"]) == (302, f"{reverse('account_login')}?next={ADDRESS}")


@pytest.mark.parametrize("is_staff", [False, True], ids=["no staff", "staff without the right"])
def test_nobody_else_gets_it_or_is_led_there(client: Client, alice: User, is_staff: bool) -> None:
    alice.is_staff = is_staff
    alice.save()
    client.force_login(alice)
    response = client.get(ADDRESS)
    assert response.status_code == 403
    assert "Access denied" in text(response)
    assert LINK not in text(client.get("/dashboard"))


def test_the_right_without_staff_is_not_enough(client: Client, carol: User) -> None:
    carol.is_staff = False
    carol.save()
    client.force_login(carol)
    assert client.get(ADDRESS).status_code == 403
    assert LINK not in text(client.get("/dashboard"))


def test_reviewers_find_it_in_their_menu(client: Client, carol: User) -> None:
    client.force_login(carol)
    assert LINK in text(client.get("/dashboard"))
    response = client.get(ADDRESS)
    assert response.status_code == 200
    assert "<outcry-monitor" in text(response)
    assert "no-store" in response["Cache-Control"]


def test_the_page_knows_where_to_ask_and_whether_it_may_speak(client: Client, carol: User) -> None:
    client.force_login(carol)
    data = page_data(text(client.get(ADDRESS)), "monitor")
    assert client.get(data["statusUrl"]).status_code == client.get(data["sessionsUrl"]).status_code == 200
    assert client.post(data["broadcastUrl"], {"text": "x"}, "application/json").status_code == 403
    assert data["canBroadcast"] is False
    assert data["wsUrl"] == "/ws/conversations/"
    carol.user_permissions.add(Permission.objects.get(codename="control_conversation"))
    assert page_data(text(client.get(ADDRESS)), "monitor")["canBroadcast"] is True


def test_the_page_runs_no_code_but_the_sites_own(client: Client, carol: User) -> None:
    client.force_login(carol)
    response = client.get(ADDRESS)
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert_inert(text(response))
