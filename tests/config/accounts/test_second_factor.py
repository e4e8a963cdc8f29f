"""A site that requires a second factor: without it, a session opens no door but the way to it."""

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from conversations.access import principals
from conversations.domain.errors import SecondFactorMissing
from conversations.infrastructure import database
from streaming.watchers import session_guard
from streaming.wire.close_codes import Close
from tests.config.accounts.conftest import PASSWORD, with_password
from tests.support.api_keys import make
from tests.support.sessions import record

SET_UP = reverse("mfa_activate_totp")
PAGES = (
    "/dashboard",
    "/account/keys/",
    "/accounts/sessions/",
    "/accounts/password/change/",
    "/admin/",
    "/monitor/",
)


@pytest.fixture
def sam(transactional_db: None) -> User:
    """Staff, who may review."""
    sam = with_password("sam", is_staff=True)
    sam.user_permissions.add(Permission.objects.get(codename="review_conversation"))
    return sam


def sign_in(person: User) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": person.username, "password": PASSWORD})
    return client


def give_factor(person: User) -> Authenticator:
    found: Authenticator = totp.TOTP.activate(person, totp.generate_totp_secret()).instance
    return found


def is_refused(person: User, session: str) -> bool:
    try:
        return principals.of_session(session).user != person
    except SecondFactorMissing:
        return True


@pytest.mark.parametrize(
    ("required", "of_staff", "of_others"),
    [("optional", False, False), ("staff", True, False), ("all", True, True)],
)
def test_it_is_required_of_those_whom_the_setting_names(
    dora: User, sam: User, settings: Settings, required: str, of_staff: bool, of_others: bool
) -> None:
    settings.OUTCRY_SECOND_FACTOR = required
    for person, expected in ((sam, of_staff), (dora, of_others)):
        client = sign_in(person)
        assert (client.get("/dashboard").status_code == 302) is expected
        assert is_refused(person, str(client.session.session_key)) is expected


@pytest.mark.parametrize("page", PAGES)
def test_every_page_leads_to_setting_it_up(sam: User, settings: Settings, page: str) -> None:
    settings.OUTCRY_SECOND_FACTOR = "staff"
    answer = sign_in(sam).get(page)
    assert answer.headers["Location"].startswith(f"{SET_UP}?next=")


@pytest.mark.parametrize("path", ["/api/conversations/", "/api/keys/", "/api/streaming/status"])
def test_the_json_api_is_closed_to_the_session(sam: User, settings: Settings, path: str) -> None:
    settings.OUTCRY_SECOND_FACTOR = "staff"
    answer = sign_in(sam).get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")


async def test_the_socket_is_closed_to_the_session(sam: User, settings: Settings) -> None:
    from config.asgi import application

    settings.OUTCRY_SECOND_FACTOR = "staff"
    client = await database.call(sign_in, sam)
    headers = [
        (b"host", b"testserver"),
        (b"origin", b"http://testserver"),
        (b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()),
    ]
    socket = WebsocketCommunicator(application, f"/{settings.OUTCRY_WEBSOCKET_PATH}", headers)
    await socket.connect()
    while (sent := await socket.receive_output())["type"] != "websocket.close":
        assert "hello" not in str(sent)
    assert sent["code"] == 4401


def test_a_key_works_only_while_its_owner_has_a_second_factor(sam: User, settings: Settings) -> None:
    settings.OUTCRY_SECOND_FACTOR = "staff"
    _, secret = make(sam)
    with_key = Client(headers={"authorization": f"Bearer {secret}"})
    refused = with_key.get("/api/conversations/")
    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_required")
    give_factor(sam)
    assert with_key.get("/api/conversations/").status_code == 200


def test_setting_it_up_opens_the_session(sam: User, settings: Settings, monkeypatch: Any) -> None:
    settings.OUTCRY_SECOND_FACTOR = "staff"
    client = sign_in(sam)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": SET_UP})
    assert "This site requires a second factor." in client.get("/dashboard", follow=True).content.decode()
    secret = client.session[totp.SECRET_SESSION_KEY]
    code = totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))
    client.post(SET_UP, {"code": code})
    assert Authenticator.objects.filter(user=sam, type="totp").exists()
    assert [client.get(page).status_code for page in PAGES] == [200] * len(PAGES)
    assert principals.of_session(str(client.session.session_key)).user == sam


def test_an_older_session_has_to_give_the_factor_first(sam: User, settings: Settings) -> None:
    client = sign_in(sam)
    give_factor(sam)
    settings.OUTCRY_SECOND_FACTOR = "staff"
    assert (
        client.get("/dashboard").headers["Location"] == f"{reverse('mfa_reauthenticate')}?next=%2Fdashboard"
    )
    record(client, sam, {"method": "mfa", "at": time.time()})
    assert client.get("/dashboard").status_code == 200


def test_removing_a_factor_ends_what_it_opened(sam: User, settings: Settings) -> None:
    """An administrator removes one that was lost, perhaps to somebody who has signed in with it."""
    settings.OUTCRY_SECOND_FACTOR = "staff"
    client, factor = sign_in(sam), give_factor(sam)
    record(client, sam, {"method": "mfa", "at": time.time()})
    session, (_, secret) = str(client.session.session_key), make(sam)
    watching = [(principals.of_session(session), None)]
    watching.append((principals.of_headers({"authorization": f"Bearer {secret}"}), None))
    assert session_guard.refused(watching) == {}
    factor.delete()
    assert session_guard.refused(watching) == dict.fromkeys(watching, Close.UNAUTHENTICATED)
    assert client.get("/dashboard").headers["Location"].startswith(SET_UP)
    assert is_refused(sam, session)


def test_the_proof_of_somebody_else_is_none(sam: User, dora: User, settings: Settings) -> None:
    settings.OUTCRY_SECOND_FACTOR = "staff"
    client = sign_in(sam)
    record(client, dora, {"method": "mfa", "at": time.time()})
    assert client.get("/dashboard").status_code == 302


def test_a_required_factor_is_not_removed_by_its_owner(sam: User, settings: Settings) -> None:
    settings.OUTCRY_SECOND_FACTOR = "staff"
    client = sign_in(sam)
    factor = give_factor(sam)
    record(client, sam, {"method": "mfa", "at": time.time(), "reauthenticated": True})
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(pk=factor.pk).exists()
