"""Mails to people: every address in them is the site's, whatever host the request named."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.config.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

SITE = "https://outcry.example"
# A host that the site serves, at a port that another program may listen on.
NAMED = "localhost:9999"


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.OUTCRY_SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["outcry.example", "localhost"]


def sign_up(client: Client, email: str) -> None:
    passwords = {"password1": PASSWORD, "password2": PASSWORD}
    client.post(reverse("account_signup"), {"username": "emil", "email": email, **passwords})


def forget(client: Client, email: str) -> None:
    client.post(reverse("account_reset_password"), {"email": email})


def change_password(client: Client, _: str) -> None:
    client.force_login(User.objects.get())
    new = {"password1": "another-horse-battery", "password2": "another-horse-battery"}
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **new})


@pytest.mark.parametrize(
    ("act", "email", "path"),
    [
        (sign_up, "emil@example.com", "/accounts/confirm-email/"),
        (sign_up, "dora@example.com", "/accounts/password/reset/"),
        (forget, "dora@example.com", "/accounts/password/reset/key/"),
        (forget, "nobody@example.com", "/accounts/signup/"),
        (change_password, "dora@example.com", ""),
    ],
)
def test_every_address_in_a_mail_is_the_sites_own(
    dora: User,
    settings: Settings,
    mailoutbox: list[EmailMessage],
    act: Callable[[Client, str], None],
    email: str,
    path: str,
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    act(Client(headers={"host": NAMED}), email)
    [mail] = mailoutbox
    text = f"{mail.subject}\n{mail.body}"
    assert mail.to == [email]
    assert f"{SITE}{path}" in text
    assert {address[: len(SITE)] for address in re.findall(r"https?://\S+", text)} == {SITE}
    assert NAMED not in text
    # It opens with what it is about.
    assert not mail.body.startswith(("Hello", "\n"))
    assert "Outcry, " in text
    # Times are of 24 hours, and say their zone.
    assert ".m." not in text
    assert ("- Time: " in text and " UTC\n" in text) == (act is change_password)
    assert ("within 72 hours" in text) == ("/reset/key/" in path)
