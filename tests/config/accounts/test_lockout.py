"""Wrong passwords: one counter for a person, which their mail opens again."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.config.accounts.conftest import PASSWORD

LOCKED = "Too many failed login attempts"
NEW = "another-horse-battery"


def sign_in(login: str, password: str = "wrong", **how: Any) -> str:
    fields = {"login": login, "password": password}
    return Client(**how).post(reverse("account_login"), fields).content.decode()


def test_name_and_address_share_one_counter(dora: User) -> None:
    for login in ("dora", "dora@example.com", "DORA", "Dora@Example.com", "dora"):
        assert LOCKED not in sign_in(login)
    for login in ("dora", "dora@example.com"):
        assert LOCKED in sign_in(login, PASSWORD)


def test_another_name_of_the_site_gives_no_more_attempts(dora: User, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    answers = [sign_in("dora", headers={"host": f"{name}.example"}) for name in ("one", "two") * 3]
    assert [LOCKED in answer for answer in answers] == [False] * 5 + [True]


def test_unknown_names_are_counted_like_known_ones(dora: User) -> None:
    answers = [sign_in("nobody") for _ in range(6)]
    assert [LOCKED in answer for answer in answers] == [False] * 5 + [True]
    assert LOCKED not in sign_in("dora")


@pytest.mark.parametrize("has_row", [True, False])
def test_a_reset_by_mail_lets_the_owner_in_again(
    client: Client, dora: User, mailoutbox: list[EmailMessage], has_row: bool
) -> None:
    """Also one whose address is not in allauth's table, as that of an administrator."""
    if not has_row:
        EmailAddress.objects.filter(user=dora).delete()
    for _ in range(5):
        sign_in("dora")
    assert LOCKED in sign_in("dora", PASSWORD)
    client.post(reverse("account_reset_password"), {"email": dora.email})
    found = re.search(r"http://127\.0\.0\.1:8000(/\S+)", str(mailoutbox[0].body))
    assert found is not None
    address = client.get(found[1], follow=True).redirect_chain[-1][0]
    client.post(address, {"password1": NEW, "password2": NEW})
    client.post(reverse("account_login"), {"login": "dora", "password": NEW})
    assert client.session["_auth_user_id"] == str(dora.pk)
