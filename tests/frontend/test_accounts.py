"""People: signing up, in and out, forgotten passwords, second factors, other providers, and those who try doors."""

import json
import re
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from tests.fakes.openid_server import ACCESS_TOKEN, openid_server

PASSWORD = "correct-horse-battery"
DASHBOARD = "/dashboard"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _alone(settings: Settings) -> None:
    # Rate limits count in the cache: each test has its own.
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(uuid4())}
    }


@pytest.fixture
def dora() -> User:
    """Somebody with an account, a password and a confirmed address."""
    dora = User.objects.create_user("dora", "dora@example.com", PASSWORD)
    EmailAddress.objects.create(user=dora, email=dora.email, primary=True, verified=True)
    return dora


def sign_in(client: Client, login: str = "dora", password: str = PASSWORD, **more: Any) -> Any:
    return client.post(reverse("account_login"), {"login": login, "password": password, **more})


def sign_up(client: Client, **how: str) -> Any:
    given = {
        "username": "emil",
        "email": "emil@example.com",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **how,
    }
    return client.post(reverse("account_signup"), given)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def link_in(mail: EmailMessage) -> str:
    """The way to the page that a mail sends people to."""
    found = re.search(r"http://127\.0\.0\.1:8000(/\S+)", str(mail.body))
    assert found is not None
    return found[1]


# Signing up


def test_who_signs_up_is_signed_in_and_gets_a_mail_to_confirm_the_address(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    page = client.get(reverse("account_signup")).content.decode()
    assert all(f'name="{name}"' in page for name in ("username", "email", "password1", "password2"))
    assert sign_up(client).headers["Location"] == DASHBOARD
    assert is_signed_in(client)
    assert User.objects.get().username == "emil"
    assert not EmailAddress.objects.get().verified
    [mail] = mailoutbox
    assert mail.to == ["emil@example.com"]
    client.post(link_in(mail))
    assert EmailAddress.objects.get().verified


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("username", "dora", "already exists"),
        ("email", "dora@example.com", "already registered"),
        ("password1", "12345678", "too common"),
        ("email", "nowhere", "valid email"),
    ],
)
def test_a_bad_sign_up_says_what_is_wrong(
    client: Client, dora: User, field: str, value: str, complaint: str
) -> None:
    answer = sign_up(client, **{field: value, **({"password2": value} if field == "password1" else {})})
    assert complaint in answer.content.decode()
    assert User.objects.count() == 1
    assert not is_signed_in(client)


def test_sign_up_with_confirmation_does_not_reveal_taken_addresses(
    client: Client, dora: User, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    fresh = sign_up(client)
    taken = sign_up(Client(), username="spy", email="dora@example.com")
    assert (fresh.status_code, fresh.headers["Location"]) == (taken.status_code, taken.headers["Location"])
    assert not is_signed_in(client)
    assert not User.objects.filter(username="spy").exists()
    assert [mail.to for mail in mailoutbox] == [["emil@example.com"], ["dora@example.com"]]


# Signing in and out


@pytest.mark.parametrize("login", ["dora", "DORA", "dora@example.com", "Dora@Example.com"])
def test_people_sign_in_by_username_or_address(client: Client, dora: User, login: str) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert all(f'name="{name}"' in page for name in ("login", "password"))
    assert sign_in(client, login).headers["Location"] == DASHBOARD
    assert client.session["_auth_user_id"] == str(dora.pk)


@pytest.mark.parametrize("login", ["dora", "nobody"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_words(
    client: Client, dora: User, login: str
) -> None:
    answer = sign_in(client, login, "wrong")
    assert answer.status_code == HTTPStatus.OK
    assert "The username and/or password you specified are not correct." in answer.content.decode()
    assert not is_signed_in(client)


def test_a_deactivated_account_cannot_sign_in(client: Client, dora: User) -> None:
    User.objects.update(is_active=False)
    sign_in(client)
    assert not is_signed_in(client)


def test_signing_out_takes_more_than_a_link(client: Client, dora: User) -> None:
    sign_in(client)
    assert client.get(reverse("account_logout")).status_code == HTTPStatus.OK
    assert is_signed_in(client)
    assert client.post(reverse("account_logout")).headers["Location"] == reverse("account_login")
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:1"]
)
def test_signing_in_leads_nowhere_else(client: Client, dora: User, elsewhere: str) -> None:
    assert sign_in(client, next=elsewhere).headers["Location"] == DASHBOARD


def test_signing_in_leads_where_somebody_wanted_to_go(client: Client, dora: User) -> None:
    wanted = reverse("account_email")
    asked = client.get(wanted)
    assert asked.headers["Location"] == f"{reverse('account_login')}?next={wanted}"
    assert sign_in(client, next=wanted).headers["Location"] == wanted


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(client: Client, dora: User) -> None:
    client.get(reverse("account_login"))
    sign_in(client)
    for name in ("sessionid", "csrftoken"):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"


def test_forms_need_their_token(dora: User) -> None:
    client = Client(enforce_csrf_checks=True)
    assert sign_in(client).status_code == HTTPStatus.FORBIDDEN


# Forgotten passwords


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(
    client: Client, dora: User, mailoutbox: list[EmailMessage]
) -> None:
    client.post(reverse("account_reset_password"), {"email": "dora@example.com"})
    [mail] = mailoutbox
    assert mail.to == ["dora@example.com"]
    link = link_in(mail)
    form = client.get(link, follow=True)
    address = form.redirect_chain[-1][0]
    new = "another-horse-battery"
    client.post(address, {"password1": new, "password2": new})
    assert not is_signed_in(client)
    assert sign_in(client, password=new).headers["Location"] == DASHBOARD

    someone = Client()
    again = someone.get(link, follow=True).request["PATH_INFO"]
    someone.post(again, {"password1": PASSWORD, "password2": PASSWORD})
    assert not sign_in(Client()).has_header("Location")


def test_the_password_reset_tells_nobody_who_has_an_account(client: Client, dora: User) -> None:
    known, unknown = (
        client.post(reverse("account_reset_password"), {"email": address})
        for address in ("dora@example.com", "nobody@example.com")
    )
    assert (known.status_code, known.headers["Location"]) == (
        unknown.status_code,
        unknown.headers["Location"],
    )


# Too many attempts


def test_guessing_is_stopped(client: Client, dora: User) -> None:
    for _ in range(5):
        sign_in(client, password="wrong")
    answer = sign_in(client)
    assert "Too many failed login attempts" in answer.content.decode()
    assert not is_signed_in(client)


def test_attempts_without_end_get_a_429(client: Client) -> None:
    answers = [sign_in(client, f"name{number}", "wrong").status_code for number in range(31)]
    assert answers[:30] == [HTTPStatus.OK] * 30
    assert answers[30] == HTTPStatus.TOO_MANY_REQUESTS


def attempts(client: Client, forwarded_for: str, many: int) -> list[int]:
    address = reverse("account_login")
    given = {"login": "nobody", "password": "wrong"}
    return [
        client.post(address, given, headers={"x-forwarded-for": forwarded_for.format(number)}).status_code
        for number in range(many)
    ]


def test_behind_a_proxy_each_client_counts_alone(client: Client, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    # What the client itself wrote into the header changes nothing.
    assert attempts(client, "198.51.100.{}, 203.0.113.7", 31)[-1] == HTTPStatus.TOO_MANY_REQUESTS
    assert attempts(client, "203.0.113.8", 1) == [HTTPStatus.OK]


def test_without_a_proxy_nobody_says_who_they_are(client: Client) -> None:
    assert attempts(client, "203.0.113.{}", 31)[-1] == HTTPStatus.TOO_MANY_REQUESTS


# Second factors


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The code of a secret. Time stands still, or a code would at times be late."""
    moment = next(iter(totp.yield_hotp_counters_from_time()))
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", lambda: iter([moment]))
    return lambda secret: totp.format_hotp_value(totp.hotp_value(secret, moment))


def begin_to_enrol(client: Client) -> None:
    """Sign in, and give the password once more, to see the secret."""
    sign_in(client)
    wanted = reverse("mfa_activate_totp")
    again = reverse("account_reauthenticate")
    assert client.get(wanted).headers["Location"].startswith(again)
    assert client.post(again, {"password": PASSWORD, "next": wanted}).headers["Location"] == wanted
    client.get(wanted)


def enrol(client: Client, code: Any) -> str:
    """Turn the second factor on, and return its secret."""
    begin_to_enrol(client)
    secret: str = client.session[totp.SECRET_SESSION_KEY]
    client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    return secret


def test_a_second_factor_is_asked_for_and_its_code_opens(client: Client, dora: User, code: Any) -> None:
    secret = enrol(client, code)
    assert {factor.type for factor in Authenticator.objects.all()} == {"totp", "recovery_codes"}

    visitor = Client()
    assert sign_in(visitor).headers["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(visitor)
    wrong = f"{(int(code(secret)) + 1) % 1_000_000:06}"
    assert "Incorrect code" in visitor.post(reverse("mfa_authenticate"), {"code": wrong}).content.decode()
    answer = visitor.post(reverse("mfa_authenticate"), {"code": code(secret)})
    assert answer.headers["Location"] == DASHBOARD
    assert is_signed_in(visitor)

    again = Client()
    sign_in(again)
    again.post(reverse("mfa_authenticate"), {"code": code(secret)})
    assert not is_signed_in(again), "a code opens once"


def test_a_recovery_code_opens_once(client: Client, dora: User, code: Any) -> None:
    enrol(client, code)
    recovery_code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    opened = []
    for _ in range(2):
        visitor = Client()
        sign_in(visitor)
        visitor.post(reverse("mfa_authenticate"), {"code": recovery_code})
        opened.append(is_signed_in(visitor))
    assert opened == [True, False]


def test_second_factors_are_not_stored_in_clear(client: Client, dora: User, code: Any) -> None:
    secret = enrol(client, code)
    stored = json.dumps([factor.data for factor in Authenticator.objects.all()])
    recovery = Authenticator.objects.get(type="recovery_codes")
    seed = get_adapter().decrypt(recovery.data["seed"])
    assert get_adapter().decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret
    assert not any(word in stored for word in (secret, seed, *recovery.wrap().get_unused_codes()))
    assert totp.SECRET_SESSION_KEY not in client.session


def test_second_factor_stored_by_an_older_version_is_still_readable(settings: Settings) -> None:
    settings.SECRET_KEY = "a-secret-of-long-ago"
    # Written by the first version that encrypted second factors, with that key.
    stored = (
        "gAAAAABrDlGthvQ9dnRFQiFwI5D34TcZZsPYQxmkND_3lAUS1f2BUZibLyVU5zzt3tFenWpTNTJMahdty7CZ"
        "_vml6sUHqCa9X9rDxTUb6sq-ZM_b-Ao3Zao="
    )
    assert get_adapter().decrypt(stored) == "JBSWY3DPEHPK3PXP"


def test_a_second_factor_outlives_a_change_of_the_secret_key(
    client: Client, dora: User, code: Any, settings: Settings
) -> None:
    secret = enrol(client, code)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key " * 6
    visitor = Client()
    sign_in(visitor)
    visitor.post(reverse("mfa_authenticate"), {"code": code(secret)})
    assert is_signed_in(visitor)


def test_a_second_factor_that_cannot_be_read_opens_to_nothing(
    client: Client, dora: User, code: Any, settings: Settings
) -> None:
    secret = enrol(client, code)
    settings.SECRET_KEY = "a new key " * 6
    visitor = Client()
    sign_in(visitor)
    for guess in (code(secret), code("")):
        answer = visitor.post(reverse("mfa_authenticate"), {"code": guess})
        assert "Ask its administrator" in answer.content.decode()
        assert not is_signed_in(visitor)
    with pytest.raises(ValidationError):
        get_adapter().decrypt("not even encrypted")


def test_only_a_confirmed_address_gets_a_second_factor(client: Client, dora: User, code: Any) -> None:
    EmailAddress.objects.update(verified=False)
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    answer = client.get(reverse("mfa_activate_totp"), follow=True)
    assert "verified your email address" in answer.content.decode()
    assert totp.SECRET_SESSION_KEY not in client.session
    assert not Authenticator.objects.exists()


# Other providers

OPENID_LOGIN = "/accounts/oidc/acme/login/"


def use_openid(settings: Settings, url: str) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "acme",
                    "name": "Acme ID",
                    "client_id": "outcry",
                    "secret": "a-secret",
                    "settings": {"server_url": url, "oauth_pkce_enabled": True},
                }
            ]
        }
    }


def sign_in_by_openid(client: Client, process: str = "login") -> Any:
    """To the provider, and back with what it says; the answer to that."""
    away = urlsplit(client.post(f"{OPENID_LOGIN}?process={process}").headers["Location"])
    connection = HTTPConnection(away.netloc)
    connection.request("GET", f"{away.path}?{away.query}")
    back = urlsplit(connection.getresponse().headers["Location"])
    connection.close()
    return client.get(f"{back.path}?{back.query}")


def test_no_provider_is_offered_unless_it_is_configured(client: Client) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert not any(name in page for name in ("Google", "GitHub", "oidc", "OpenID"))
    for address in ("/accounts/google/login/", "/accounts/github/login/", OPENID_LOGIN):
        assert client.get(address).status_code == HTTPStatus.NOT_FOUND
        assert client.post(address).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("provider", ["google", "github"])
def test_a_configured_provider_is_offered_and_leads_there(
    client: Client, settings: Settings, provider: str
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {provider: {"APPS": [{"client_id": "outcry", "secret": "a-secret"}]}}
    address = reverse(f"{provider}_login")
    assert address in client.get(reverse("account_login")).content.decode()
    # A link alone signs nobody in.
    assert client.get(address).status_code == HTTPStatus.OK
    away = urlsplit(client.post(address).headers["Location"])
    assert away.netloc == {"google": "accounts.google.com", "github": "github.com"}[provider]
    assert "client_id=outcry" in away.query


def test_only_the_providers_form_may_post_to_the_provider(client: Client, settings: Settings) -> None:
    use_openid(settings, "https://id.example")
    pages = [client.get(address) for address in (OPENID_LOGIN, reverse("account_login"))]
    assert [re.findall(r"form-action[^;]*", page["Content-Security-Policy"]) for page in pages] == [
        ["form-action 'self' https:"],
        ["form-action 'self'"],
    ]


def test_new_user_signs_in_by_openid_connect_and_no_token_is_kept(client: Client, settings: Settings) -> None:
    with openid_server({"sub": "7", "email": "fay@example.com", "preferred_username": "fay"}) as url:
        use_openid(settings, url)
        assert "Acme ID" in client.get(reverse("account_login")).content.decode()
        assert sign_in_by_openid(client).headers["Location"] == DASHBOARD
    assert is_signed_in(client)
    assert User.objects.get().username == "fay"
    account = SocialAccount.objects.get()
    assert ACCESS_TOKEN not in json.dumps(account.extra_data)
    assert not SocialToken.objects.exists()


@pytest.mark.parametrize("verified", [True, False])
def test_a_provider_cannot_open_an_account_by_its_address(
    client: Client, dora: User, settings: Settings, verified: bool
) -> None:
    claims = {
        "sub": "666",
        "email": "dora@example.com",
        "email_verified": verified,
        "preferred_username": "dora",
    }
    with openid_server(claims) as url:
        use_openid(settings, url)
        answer = sign_in_by_openid(client)
    assert answer.headers["Location"] == reverse("socialaccount_signup")
    answer = client.post(reverse("socialaccount_signup"), {"username": "spy", "email": "dora@example.com"})
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()
    assert User.objects.get() == dora


def test_who_is_signed_in_connects_a_provider_and_then_comes_in_by_it(
    client: Client, dora: User, settings: Settings
) -> None:
    with openid_server({"sub": "7", "email": "elsewhere@example.com"}) as url:
        use_openid(settings, url)
        sign_in(client)
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        sign_in_by_openid(client, process="connect")
        visitor = Client()
        sign_in_by_openid(visitor)
    assert visitor.session["_auth_user_id"] == str(dora.pk)


def test_a_provider_that_does_not_answer_is_no_failure_of_ours(client: Client, settings: Settings) -> None:
    use_openid(settings, "http://127.0.0.1:9")
    answer = client.post(OPENID_LOGIN)
    assert answer.status_code == HTTPStatus.BAD_GATEWAY
    assert not is_signed_in(client)
