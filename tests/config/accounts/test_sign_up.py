"""Who may make an account: everybody, the invited, people of a mail domain, or nobody."""

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from config.accounts import sign_up
from config.accounts.adapters import AccountAdapter
from config.checks.deployment import check_sign_up
from conversations.access import invitations
from conversations.models import Invitation
from tests.config.accounts.conftest import PASSWORD
from tests.fakes.openid_server import openid_server
from tests.frontend.test_accounts import sign_in_by_openid, use_openid
from tests.support.sessions import confirm
from tests.support.settings import SECRET_KEY, read

PAGE = reverse("account_signup")

pytestmark = pytest.mark.django_db(transaction=True)


def submit(client: Client, name: str = "emil", email: str = "emil@example.com") -> Any:
    return client.post(PAGE, {"username": name, "email": email, "password1": PASSWORD, "password2": PASSWORD})


def path_of(invitation: Invitation) -> str:
    return sign_up.link(invitation).removeprefix("http://127.0.0.1:8000")


def names() -> set[str]:
    return {*User.objects.values_list("username", flat=True)}


@pytest.mark.parametrize("mode", ["invitation", "closed"])
def test_nobody_signs_up_uninvited(client: Client, settings: Settings, mode: str) -> None:
    settings.OUTCRY_SIGN_UP = mode
    for answer in (client.get(PAGE), submit(client)):
        assert "Sign-up is closed" in answer.content.decode()
    assert f'href="{PAGE}' not in client.get(reverse("account_login")).content.decode()
    assert names() == set()


@pytest.mark.parametrize("mode", ["invitation", "closed", "domain"])
def test_no_provider_opens_a_site_that_is_not_open(client: Client, settings: Settings, mode: str) -> None:
    settings.OUTCRY_SIGN_UP = mode
    settings.OUTCRY_SIGN_UP_DOMAINS = ["example.org"]
    claims = {"sub": "1", "email": "fay@example.com", "email_verified": True, "preferred_username": "fay"}
    with openid_server(claims) as url:
        use_openid(settings, url)
        sign_in_by_openid(client)
    assert names() == set()
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("by_provider", [False, True])
def test_an_invitation_lets_one_person_in(client: Client, settings: Settings, by_provider: bool) -> None:
    settings.OUTCRY_SIGN_UP = "invitation"
    path = path_of(invitations.make(None))
    # A mail scanner opens it first.
    Client().get(path)
    assert client.get(path).headers["Location"] == PAGE
    if by_provider:
        claims = {
            "sub": "1",
            "email": "emil@example.com",
            "email_verified": True,
            "preferred_username": "emil",
        }
        with openid_server(claims) as url:
            use_openid(settings, url)
            sign_in_by_openid(client)
    else:
        submit(client)
    assert names() == {"emil"}
    second = Client()
    assert second.get(path).status_code == 403
    assert "Sign-up is closed" in submit(second, "spy", "spy@example.com").content.decode()
    assert names() == {"emil"}


def test_two_who_opened_one_invitation_make_one_account(settings: Settings) -> None:
    settings.OUTCRY_SIGN_UP = "invitation"
    path = path_of(invitations.make(None))
    first, second = Client(), Client()
    for client in (first, second):
        client.get(path)
    submit(first)
    submit(second, "spy", "spy@example.com")
    assert names() == {"emil"}


def test_an_invitation_is_not_lost_when_the_account_cannot_be_made(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise IntegrityError

    settings.OUTCRY_SIGN_UP = "invitation"
    client.get(path_of(invitations.make(None)))
    with monkeypatch.context() as patched:
        patched.setattr(AccountAdapter, "populate_username", fail)
        with pytest.raises(IntegrityError):
            submit(client)
    submit(client)
    assert names() == {"emil"}


@pytest.mark.parametrize("change", ["expired", "withdrawn", "forged", "of another key"])
def test_an_invitation_that_is_none_opens_nothing(client: Client, settings: Settings, change: str) -> None:
    settings.OUTCRY_SIGN_UP = "invitation"
    invitation = invitations.make(None)
    path = path_of(invitation)
    match change:
        case "expired":
            Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        case "withdrawn":
            invitation.delete()
        case "forged":
            path = re.sub(r":[^/]+/$", f":{'a' * 43}/", path)
        case _:
            settings.SECRET_KEY = "another-key" * 6
    assert client.get(path).status_code == 403
    submit(client)
    assert names() == set()


def test_an_invitation_for_an_address_takes_no_other(client: Client, settings: Settings) -> None:
    settings.OUTCRY_SIGN_UP = "invitation"
    client.get(path_of(invitations.make(None, "Emil@example.com")))
    assert "Use the address that was invited." in submit(client, email="spy@example.com").content.decode()
    assert names() == set()
    submit(client)
    assert names() == {"emil"}


def test_only_addresses_of_the_domains_sign_up(client: Client, settings: Settings) -> None:
    settings.OUTCRY_SIGN_UP, settings.OUTCRY_SIGN_UP_DOMAINS = "domain", ["example.org"]
    for email in ("emil@example.com", "emil@sub.example.org", "emil@example.org.evil.example"):
        assert "Use an address of this organisation." in submit(client, email=email).content.decode()
    assert names() == set()
    submit(client, email="emil@Example.org")
    assert names() == {"emil"}


def test_the_domains_restrict_no_reset_of_a_password(
    dora: User, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.OUTCRY_SIGN_UP, settings.OUTCRY_SIGN_UP_DOMAINS = "domain", ["example.org"]
    Client().post(reverse("account_reset_password"), {"email": dora.email})
    assert [mail.to for mail in mailoutbox] == [[dora.email]]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "open"),
        ({"ALLOWED_HOSTS": "localhost,127.0.0.1"}, "open"),
        ({"ALLOWED_HOSTS": "outcry.example"}, "invitation"),
        ({"OUTCRY_HTTPS": "true", "SECRET_KEY": SECRET_KEY}, "invitation"),
        ({"ALLOWED_HOSTS": "outcry.example", "OUTCRY_SIGN_UP": "open"}, "open"),
    ],
)
def test_a_site_that_others_reach_is_by_invitation_unless_it_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: dict[str, str], expected: str
) -> None:
    assert expected == read(monkeypatch, tmp_path, changed).OUTCRY_SIGN_UP


@pytest.mark.parametrize(
    ("domains", "verification", "identifiers"),
    [
        (["example.org"], "mandatory", []),
        ([], "mandatory", ["outcry.E104"]),
        (["example.org"], "optional", ["outcry.E105"]),
    ],
)
def test_a_domain_counts_only_where_addresses_are_confirmed(
    settings: Settings, domains: list[str], verification: str, identifiers: list[str]
) -> None:
    settings.OUTCRY_SIGN_UP, settings.OUTCRY_SIGN_UP_DOMAINS = "domain", domains
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    assert [found.id for found in check_sign_up()] == identifiers


# Making invitations


def test_the_command_prints_a_link_and_mails_it(
    client: Client, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.OUTCRY_SIGN_UP = "invitation"
    printed = StringIO()
    call_command("invite", email="emil@example.com", days=2, stdout=printed)
    link = printed.getvalue().strip()
    [mail] = mailoutbox
    assert mail.to == ["emil@example.com"]
    assert link in str(mail.body)
    remaining = Invitation.objects.get().expires_at - timezone.now()
    assert timedelta(days=1) < remaining <= timedelta(days=2)
    assert client.get(link.removeprefix("http://127.0.0.1:8000")).headers["Location"] == PAGE


@pytest.mark.parametrize(("option", "value"), [("days", 0), ("days", 91), ("email", "nowhere")])
def test_the_command_refuses_what_makes_no_sense(option: str, value: Any) -> None:
    with pytest.raises(CommandError, match=f"--{option}="):
        call_command("invite", **{option: value})
    assert not Invitation.objects.exists()


def test_administrators_make_see_and_withdraw_invitations(client: Client, dora: User) -> None:
    User.objects.filter(pk=dora.pk).update(is_staff=True, is_superuser=True)
    client.force_login(dora)
    confirm(client, dora)
    page = client.post(reverse("admin:conversations_invitation_add"), {"email": "", "days": "7"}, follow=True)
    invitation = Invitation.objects.get()
    assert invitation.created_by == dora
    assert sign_up.link(invitation) in page.content.decode()
    assert dora.username in client.get(reverse("admin:conversations_invitation_changelist")).content.decode()
    client.post(reverse("admin:conversations_invitation_delete", args=[invitation.pk]), {"post": "yes"})
    assert not Invitation.objects.exists()
