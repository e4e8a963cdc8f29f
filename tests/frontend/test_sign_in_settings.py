"""Sign-in and mail, as the environment configures them."""

import django
import pytest
from django.conf import settings as running
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from config.checks.deployment import check_mail, check_sign_in
from config.env import sso
from config.env.mail import TIMEOUT_SECONDS, mail_settings

OPENID = {
    "OIDC_CLIENT_ID": "outcry",
    "OIDC_CLIENT_SECRET": "a-secret",
    "OIDC_SERVER_URL": "https://id.example/realms/main",
}


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for names in sso.NEEDED.values():
        for name in (*names, "OIDC_NAME", "OIDC_PROVIDER_ID"):
            monkeypatch.delenv(name, raising=False)


def use(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_by_default_there_is_no_other_provider() -> None:
    assert sso.providers() == {}
    assert [*check_sign_in()] == []


@pytest.mark.parametrize("provider", ["google", "github"])
def test_two_variables_configure_a_provider(monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    name = provider.upper()
    use(monkeypatch, {f"{name}_CLIENT_ID": "outcry", f"{name}_CLIENT_SECRET": "a-secret"})
    assert sso.providers() == {
        provider: {"APPS": [{"client_id": "outcry", "secret": "a-secret"}], "OAUTH_PKCE_ENABLED": True}
    }
    assert [*check_sign_in()] == []


def test_three_variables_configure_any_openid_connect_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, {**OPENID, "OIDC_NAME": "Acme ID"})
    [app] = sso.providers()["openid_connect"]["APPS"]
    assert (app["provider_id"], app["name"], app["client_id"]) == ("oidc", "Acme ID", "outcry")
    assert app["settings"]["server_url"] == "https://id.example/realms/main"
    assert [*check_sign_in()] == []


@pytest.mark.parametrize("name", [name for names in sso.NEEDED.values() for name in names])
def test_half_a_provider_is_not_offered_and_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    whole = next(names for names in sso.NEEDED.values() if name in names)
    use(monkeypatch, {other: OPENID.get(other, "set") for other in whole if other != name})
    assert sso.providers() == {}
    [found] = check_sign_in()
    assert found.id == "outcry.E101"
    assert found.msg == f"{name} is not set, but other settings of the same sign-in provider are."
    assert found.hint is not None
    assert f"Set {name}, or unset" in found.hint


@pytest.mark.parametrize(
    ("server", "identifiers"),
    [
        ("https://id.example", []),
        ("http://127.0.0.1:8080/realms/main", []),
        ("http://id.example", ["outcry.E102"]),
        ("id.example", ["outcry.E102"]),
    ],
)
def test_a_provider_is_spoken_to_by_https_or_stands_on_the_same_machine(
    monkeypatch: pytest.MonkeyPatch, server: str, identifiers: list[str]
) -> None:
    use(monkeypatch, {**OPENID, "OIDC_SERVER_URL": server})
    assert [found.id for found in check_sign_in()] == identifiers


@pytest.mark.parametrize("provider_id", ["a/b", "google", "with space"])
def test_a_providers_name_fits_into_an_address(monkeypatch: pytest.MonkeyPatch, provider_id: str) -> None:
    use(monkeypatch, {**OPENID, "OIDC_PROVIDER_ID": provider_id})
    [found] = check_sign_in()
    assert found.id == "outcry.E103"


def test_addresses_cannot_be_confirmed_by_a_terminal(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.HTTPS = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    monkeypatch.setenv("EMAIL_URL", "")
    assert [found.id for found in check_mail()] == ["outcry.W101"]
    monkeypatch.setenv("EMAIL_URL", "smtp+tls://mail.example:587")
    assert [*check_mail()] == []


def test_one_address_configures_mail() -> None:
    found = mail_settings("smtp+tls://ada:p%40ss@mail.example:587")
    if django.VERSION < (6, 1):
        assert found["EMAIL_HOST"] == "mail.example"
        assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("ada", "p@ss")
        assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == (587, True)
        assert found["EMAIL_TIMEOUT"] == TIMEOUT_SECONDS
    else:
        assert found["MAILERS"]["default"]["OPTIONS"] == {
            "host": "mail.example",
            "port": 587,
            "username": "ada",
            "password": "p@ss",
            "use_tls": True,
            "timeout": TIMEOUT_SECONDS,
        }


def test_mails_are_written_to_the_folder_that_is_named() -> None:
    found = mail_settings("filemail:///srv/out%20going")
    options = found["MAILERS"]["default"]["OPTIONS"] if django.VERSION >= (6, 1) else found
    assert "/srv/out going" in options.values()


def test_a_wrong_mail_address_is_refused_without_its_password() -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL=smpt:") as failure:
        mail_settings("smpt://ada:secret@mail.example")
    assert "secret" not in str(failure.value)


def test_what_others_say_of_an_address_opens_nothing() -> None:
    assert running.SOCIALACCOUNT_EMAIL_AUTHENTICATION is False
    assert running.SOCIALACCOUNT_STORE_TOKENS is False
    assert running.ACCOUNT_PREVENT_ENUMERATION is True
