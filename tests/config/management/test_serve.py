"""`manage.py serve`: the first account, and what it says when it cannot start."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command, get_commands
from django.db import connections
from pytest_django import Settings

from config.accounts import first_account
from config.management import servers

pytestmark = pytest.mark.django_db(transaction=True)
SUPERUSER = "DJANGO_SUPERUSER_USERNAME"
PASSWORD = "DJANGO_SUPERUSER_PASSWORD"


@pytest.fixture(autouse=True)
def _no_account_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (SUPERUSER, PASSWORD, "DJANGO_SUPERUSER_EMAIL"):
        monkeypatch.delenv(name, raising=False)


def test_a_first_account_is_made_and_its_password_said_once() -> None:
    [said] = first_account.ensure()
    found = re.fullmatch(r"Sign in as demo with the password (\S+) \(shown only this once\)\.", said)
    assert found
    demo = User.objects.get()
    assert demo.check_password(found[1])
    assert not demo.is_staff
    assert found[1] not in " ".join(first_account.ensure())
    assert User.objects.count() == 1


def test_the_superuser_of_the_environment_is_made_if_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SUPERUSER, "ada")
    monkeypatch.setenv(PASSWORD, "correct-horse-battery")
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "ada@example.com")
    said = first_account.ensure()
    assert "ada" in said[0]
    assert "correct-horse-battery" not in " ".join(said)
    ada = User.objects.get()
    assert EmailAddress.objects.get(user=ada, email="ada@example.com", primary=True).verified
    assert (ada.is_superuser, ada.email, ada.check_password("correct-horse-battery")) == (
        True,
        "ada@example.com",
        True,
    )
    monkeypatch.setenv(PASSWORD, "another-one-altogether")
    assert first_account.ensure() == ["Sign in as ada."]
    ada.refresh_from_db()
    assert ada.check_password("correct-horse-battery")


def test_a_superuser_without_a_password_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SUPERUSER, "ada")
    with pytest.raises(ImproperlyConfigured, match="DJANGO_SUPERUSER_PASSWORD is not set"):
        first_account.ensure()
    assert not User.objects.exists()


def test_with_accounts_of_their_own_nobody_gets_a_demo_account() -> None:
    User.objects.create(username="alice")
    assert first_account.ensure() == ["Sign in with your account."]
    assert User.objects.count() == 1


def test_a_public_site_gets_no_demo_account(settings: Settings) -> None:
    settings.HTTPS = True
    [said] = first_account.ensure()
    assert "manage.py createsuperuser" in said
    assert not User.objects.exists()


def test_one_of_several_starting_processes_makes_the_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = threading.Barrier(4)

    def unasked(_: object) -> bool:
        # Each finds nobody, before any of them has made the account.
        together.wait(30)
        return False

    def ensure(_: int) -> str:
        try:
            return first_account.ensure()[0]
        finally:
            connections.close_all()

    monkeypatch.setenv(SUPERUSER, "ada")
    monkeypatch.setenv(PASSWORD, "correct-horse-battery")
    monkeypatch.setattr("django.db.models.query.QuerySet.exists", unasked)
    with ThreadPoolExecutor(4) as processes:
        said = list(processes.map(ensure, range(4)))
    monkeypatch.undo()
    assert said.count("Sign in as ada.") == 3
    assert sum("with the password" in words for words in said) == 1
    assert User.objects.count() == 1


@pytest.mark.parametrize("port", ["0", "65536", "eighty", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(CommandError, match=f"PORT='{port}' is no port: use a number from 1 to 65535"):
        call_command("serve", port=port)


def test_a_provider_that_is_none_is_refused(settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["chatgpt"]
    with pytest.raises(CommandError, match="OUTCRY_PROVIDERS is wrong: 'chatgpt'"):
        call_command("serve", skip_checks=False)


def test_a_missing_model_is_named(settings: Settings, tmp_path: Path) -> None:
    settings.OUTCRY_PROVIDERS, settings.OUTCRY_LOCAL_MODEL = ["local"], tmp_path / "absent.gguf"
    with pytest.raises(
        CommandError, match=r"The local model is missing: .*absent\.gguf\. `make setup` gets it"
    ):
        call_command("serve")


@pytest.mark.parametrize(
    ("configured", "host", "expected"),
    [
        ("", "127.0.0.1", "http://127.0.0.1:8041"),
        ("", "::1", "http://[::1]:8041"),
        ("", "0.0.0.0", "http://127.0.0.1:8041"),
        ("https://outcry.example", "127.0.0.1", "https://outcry.example"),
    ],
)
def test_links_in_mails_lead_to_where_the_site_is_served(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, configured: str, host: str, expected: str
) -> None:
    monkeypatch.setenv("OUTCRY_SITE_URL", configured)
    settings.OUTCRY_SITE_URL = configured
    settings.OUTCRY_PROVIDERS, settings.ALLOWED_HOSTS = ["demo"], ["outcry.example", "127.0.0.1"]
    monkeypatch.setattr(servers, "serve_uvicorn", lambda *_: None)
    call_command("serve", host=host, port="8041", stdout=StringIO())
    assert expected == settings.OUTCRY_SITE_URL


def test_runserver_is_ours() -> None:
    # Daphne's, which only this command loads.
    assert get_commands()["runserver"] == "config"
