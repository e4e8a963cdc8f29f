"""The HTTP API of keys, and what a key opens of the rest of it."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from conversations.access import api_keys
from conversations.domain.enums import Scope
from conversations.models import ApiKey, Conversation
from tests.support.api_keys import ENDS, UNKNOWN, expire, make

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/api/keys/"
DEBATES = "/api/conversations/"


def signed_in(person: User, **how: Any) -> Client:
    client = Client(**how)
    client.force_login(person)
    return client


def send(client: Client, method: str, path: str, body: object = None, **headers: str) -> Any:
    text = "" if body is None else json.dumps(body)
    return client.generic(method, path, text, content_type="application/json", headers=headers)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# Making


def test_a_key_is_made_and_told_once(alice: User) -> None:
    client = signed_in(alice)
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    wish = {"name": " Notebook ", "scopes": ["start", "watch", "watch"], "expires_at": expires_at.isoformat()}
    answer = send(client, "POST", LIST, wish)
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    made = answer.json()
    [stored] = api_keys.listed(alice)
    found = api_keys.find(made["key"])
    assert found == stored
    assert (UUID(made["id"]), made["prefix"], made["name"]) == (stored.pk, stored.prefix, "Notebook")
    assert made["scopes"] == ["watch", "start"]
    assert datetime.fromisoformat(made["expires_at"]) == expires_at
    listed = client.get(LIST)
    assert listed.json() == {
        "keys": [
            {
                **{name: value for name, value in made.items() if name != "key"},
                "last_used_at": listed_use(stored),
            }
        ]
    }
    assert made["key"] not in listed.content.decode()


def listed_use(key: ApiKey) -> str:
    used = ApiKey.objects.get(pk=key.pk).last_used_at
    assert used is not None
    # As the API writes a time: to the millisecond.
    return used.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": None}, ("name", "string_type")),
        ({"name": " "}, ("name", "string_too_short")),
        ({"name": "x" * 101}, ("name", "string_too_long")),
        ({"name": "a\0b"}, ("name", "no_nul")),
        ({"name": "\ud800"}, ("name", "string_unicode")),
        ({"scopes": None}, ("scopes", "list_type")),
        ({"scopes": "watch"}, ("scopes", "list_type")),
        ({"scopes": []}, ("scopes", "too_short")),
        ({"scopes": ["watch", "admin"]}, ("scopes", "enum")),
        ({"scopes": [1]}, ("scopes", "enum")),
        pytest.param({"expires_at": in_days(-1)}, ("expires_at", "in_the_past"), id="expires_at-yesterday"),
        pytest.param({"expires_at": in_days(3651)}, ("expires_at", "too_far"), id="expires_at-in_ten_years"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, ("expires_at", "too_far")),
        ({"expires_at": "2100-01-01T00:00:00"}, ("expires_at", "timezone_aware")),
        ({"expires_at": "soon"}, ("expires_at", "datetime_from_date_parsing")),
        ({"expires_at": 4_000_000_000}, ("expires_at", "datetime_parsing")),
        ({"owner": 1}, ("owner", "extra_forbidden")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wish_that_breaks_a_rule_is_422_and_nothing_is_stored(
    alice: User, change: dict[str, Any], problem: tuple[str, str]
) -> None:
    answer = send(signed_in(alice), "POST", LIST, {"name": "N", "scopes": ["watch"], **change})
    assert told(answer) == (422, "invalid")
    assert [(error["field"], error["rule"]) for error in answer.json()["errors"]] == [problem]
    assert all(error["message"].endswith(".") for error in answer.json()["errors"])
    assert not ApiKey.objects.exists()


def test_an_empty_wish_names_all_that_is_missing(alice: User) -> None:
    answer = send(signed_in(alice), "POST", LIST, {})
    assert [error["field"] for error in answer.json()["errors"]] == ["name", "scopes"]


def test_one_too_many_is_429(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "MAX_KEPT", 1)
    make(alice)
    assert told(send(signed_in(alice), "POST", LIST, {"name": "N", "scopes": ["watch"]})) == (
        429,
        "limit_reached",
    )


def test_they_cannot_be_made_without_an_end(alice: User, settings: Settings) -> None:
    settings.OUTCRY_CONTROL_RATE = "1/minute"
    client = signed_in(alice)
    [first, second] = [send(client, "POST", LIST, {"name": "N", "scopes": ["watch"]}) for _ in range(2)]
    assert first.status_code == 201
    assert told(second) == (429, "too_many_requests")


# Rotating and revoking


def test_a_key_is_rotated(alice: User) -> None:
    key, old = make(alice, "watch")
    answer = send(signed_in(alice), "POST", f"{LIST}{key.pk}/rotate")
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["id"] == str(key.pk)
    assert (api_keys.find(old), api_keys.find(answer.json()["key"])) == (None, key)


def test_a_key_is_revoked_at_once(alice: User) -> None:
    key, text = make(alice)
    program, owner = Client(), signed_in(alice)
    assert program.get(DEBATES, headers=bearer(text)).status_code == 200
    assert (send(owner, "DELETE", f"{LIST}{key.pk}/").status_code, owner.get(LIST).json()) == (
        204,
        {"keys": []},
    )
    assert told(program.get(DEBATES, headers=bearer(text))) == (401, "unauthenticated")
    assert told(send(owner, "DELETE", f"{LIST}{key.pk}/")) == (404, "not_found")


def test_an_expired_key_is_not_rotated(alice: User) -> None:
    key, _ = make(alice)
    expire(key)
    assert told(send(signed_in(alice), "POST", f"{LIST}{key.pk}/rotate")) == (409, "key_expired")


def test_somebody_elses_key_is_as_unknown_as_one_that_never_was(alice: User, bob: User) -> None:
    key, text = make(alice)
    client = signed_in(bob)
    for method, path in (("DELETE", f"{LIST}%s/"), ("POST", f"{LIST}%s/rotate")):
        theirs, unknown = [send(client, method, path % pk) for pk in (key.pk, uuid4())]
        assert (theirs.status_code, theirs.content) == (404, unknown.content)
    assert client.get(LIST).json() == {"keys": []}
    assert api_keys.find(text) is not None


# A key does not reach its own kind


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", LIST), ("POST", LIST), ("DELETE", f"{LIST}%s/"), ("POST", f"{LIST}%s/rotate")],
)
def test_keys_are_managed_in_a_session_only(alice: User, method: str, path: str) -> None:
    key, text = make(alice)
    path = path.replace("%s", str(key.pk))
    body = {"name": "Another", "scopes": ["watch"]} if path == LIST else None
    for client in (Client(), signed_in(alice)):
        assert told(send(client, method, path, body, **bearer(text))) == (403, "forbidden")
        assert told(send(client, method, path, body, **bearer(UNKNOWN))) == (401, "unauthenticated")
    assert told(send(Client(), method, path, body)) == (401, "unauthenticated")
    assert ApiKey.objects.count() == 1
    assert api_keys.find(text) is not None


def test_what_changes_keys_wants_the_csrf_token(alice: User) -> None:
    key, _ = make(alice)
    client = signed_in(alice, enforce_csrf_checks=True)
    for method, path in (("POST", LIST), ("DELETE", f"{LIST}{key.pk}/"), ("POST", f"{LIST}{key.pk}/rotate")):
        assert told(send(client, method, path, {})) == (403, "csrf")


# What a key opens

START = {"topic": "Is Tarnwick worth buying?", "rounds": 1}
OPERATIONS: list[tuple[str, str, Any, str, int]] = [
    ("GET", DEBATES, None, "watch", 200),
    ("GET", f"{DEBATES}%s/", None, "watch", 200),
    ("GET", f"{DEBATES}%s/events", None, "watch", 200),
    ("GET", f"{DEBATES}models", None, "watch", 200),
    ("PATCH", f"{DEBATES}%s/", {"pinned": True}, "control", 200),
    ("DELETE", f"{DEBATES}%s/", None, "control", 200),
    ("POST", f"{DEBATES}%s/restore", None, "control", 200),
    ("POST", DEBATES, START, "start", 201),
    ("POST", f"{DEBATES}estimate", START, "start", 200),
    ("POST", f"{DEBATES}%s/again", None, "start", 201),
    ("POST", f"{DEBATES}%s/again/estimate", None, "start", 200),
    ("POST", f"{DEBATES}%s/control", {"action": "pause"}, "control", 202),
    ("POST", f"{DEBATES}%s/input", {"text": "And debt?"}, "control", 202),
    ("GET", "/api/streaming/status", None, "watch", 403),
    ("GET", "/api/streaming/sessions", None, "watch", 403),
    ("POST", "/api/streaming/broadcast", {"text": "Hear, hear."}, "control", 403),
]


@pytest.fixture
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.runs.supervisor.launch", lambda _: None)


@pytest.mark.usefixtures("_nothing_runs")
@pytest.mark.parametrize(
    ("method", "path", "body", "scope", "status"), OPERATIONS, ids=lambda value: str(value)[:30]
)
def test_each_operation_wants_its_scope_and_no_other(
    alice: User, conversation: Conversation, method: str, path: str, body: Any, scope: str, status: int
) -> None:
    path = path.replace("%s", str(conversation.pk))
    _, fitting = make(alice, scope)
    _, others = make(alice, *[other for other in Scope.values if other != scope])
    # Without a CSRF token: there is no cookie that a page could have a browser send along.
    client = Client(enforce_csrf_checks=True)
    answer = send(client, method, path, body, **bearer(others))
    assert told(answer) == (403, "scope_missing")
    assert scope in answer.json()["message"]
    assert send(client, method, path, body, **bearer(fitting)).status_code == status
    assert send(client, method, path, body, **{"X-API-Key": fitting}).status_code == status


def test_every_operation_of_the_api_is_looked_at_here() -> None:
    described = Client().get("/api/openapi.json").json()
    there = {
        (method.upper(), path.replace("{conversation}", "%s"))
        for path, methods in described["paths"].items()
        for method in methods
        if not path.startswith(LIST)
    }
    # One that is added gets its row, or a test of its own.
    assert {(method, path) for method, path, *_ in OPERATIONS} <= there


@pytest.mark.parametrize("method_path_body_scope_status", OPERATIONS[-3:])
def test_a_key_of_staff_opens_what_is_staffs(
    carol: User, method_path_body_scope_status: tuple[str, str, Any, str, int]
) -> None:
    method, path, body, scope, _ = method_path_body_scope_status
    carol.user_permissions.add(Permission.objects.get(codename="control_conversation"))
    _, text = make(carol, scope)
    assert send(Client(), method, path, body, **bearer(text)).status_code in (200, 202)


def test_a_key_shows_nothing_that_its_owner_may_not_see(bob: User, conversation: Conversation) -> None:
    _, text = make(bob)
    client = Client()
    for method, path, body, *_ in OPERATIONS:
        if "%s" not in path:
            continue
        theirs, unknown = [
            send(client, method, path.replace("%s", str(pk)), body, **bearer(text))
            for pk in (conversation.pk, uuid4())
        ]
        assert (theirs.status_code, theirs.content) == (404, unknown.content)
    assert client.get(DEBATES, headers=bearer(text)).json()["count"] == 0


# A key goes before a cookie


@pytest.mark.parametrize("end", ENDS)
def test_a_key_at_its_end_is_401_though_a_good_cookie_comes_along(
    alice: User, bob: User, end: Callable[[ApiKey], None]
) -> None:
    key, text = make(alice)
    client = signed_in(bob)
    assert client.get(DEBATES, headers=bearer(text)).status_code == 200
    end(key)
    answer = client.get(DEBATES, headers=bearer(text))
    assert told(answer) == (401, "unauthenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        bearer(UNKNOWN),
        {"X-API-Key": UNKNOWN},
        bearer(""),
        bearer("x"),
        {"X-API-Key": ""},
        bearer("ü" * 55),
        bearer("x" * 100_000),
    ],
    ids=lambda headers: str(headers)[:40],
)
def test_a_wrong_key_with_a_good_cookie_is_401(alice: User, headers: dict[str, str]) -> None:
    client = signed_in(alice)
    assert told(client.get(DEBATES, headers=headers)) == (401, "unauthenticated")
    assert client.get(DEBATES).status_code == 200


def test_the_keys_owner_is_who_asks_whosever_cookie_comes_along(
    alice: User, bob: User, conversation: Conversation
) -> None:
    _, text = make(alice)
    answer = signed_in(bob).get(DEBATES, headers=bearer(text))
    assert [row["id"] for row in answer.json()["results"]] == [str(conversation.pk)]


def test_who_brings_neither_is_told_to_sign_in_and_not_of_a_token(alice: User) -> None:
    answer = send(Client(enforce_csrf_checks=True), "POST", DEBATES, START)
    assert told(answer) == (401, "unauthenticated")


def test_a_key_in_the_address_opens_nothing(alice: User) -> None:
    _, text = make(alice)
    for name in ("key", "api_key", "token", "access_token", "X-API-Key", "authorization"):
        assert told(Client().get(DEBATES, {name: text})) == (401, "unauthenticated")


def test_a_proxys_own_password_does_not_take_the_sessions_place(alice: User) -> None:
    assert signed_in(alice).get(DEBATES, headers={"Authorization": "Basic YTpi"}).status_code == 200


def test_a_key_opens_no_page(alice: User) -> None:
    _, text = make(alice)
    for path in ("/", "/account/keys/", "/accounts/email/", "/admin/"):
        assert Client().get(path, headers=bearer(text)).status_code == 302


# What is written down


def test_no_key_is_in_the_logs(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    client = signed_in(alice)
    with caplog.at_level(logging.DEBUG):
        made = send(client, "POST", LIST, {"name": "N", "scopes": ["watch"]}).json()
        rotated = send(client, "POST", f"{LIST}{made['id']}/rotate").json()
        for text in (made["key"], rotated["key"], UNKNOWN):
            for headers in (bearer(text), {"X-API-Key": text}):
                client.get(DEBATES, headers=headers)
                send(client, "POST", DEBATES, START, **headers)
                client.get("/nowhere/", headers=headers)
    assert "key_created" in caplog.text
    for text in (made["key"], rotated["key"], UNKNOWN):
        assert text.partition("_")[2][9:] not in caplog.text


def test_a_report_of_a_fault_hides_the_headers() -> None:
    from django.test import RequestFactory
    from django.views.debug import SafeExceptionReporterFilter

    request = RequestFactory().get("/", headers={**bearer(UNKNOWN), "X-API-Key": UNKNOWN})
    assert UNKNOWN not in str(SafeExceptionReporterFilter().get_safe_request_meta(request))


# Documentation


def test_the_document_says_what_opens_what() -> None:
    described = Client().get("/api/openapi.json").json()
    schemes = described["components"]["securitySchemes"]
    assert {
        name: (scheme["type"], scheme.get("scheme"), scheme.get("name")) for name, scheme in schemes.items()
    } == {
        "BearerKey": ("http", "bearer", None),
        "HeaderKey": ("apiKey", None, "X-API-Key"),
        "Session": ("apiKey", None, "sessionid"),
    }
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            named = [name for choice in operation["security"] for name in choice]
            if path == "/.well-known/agent-card.json":
                # Who may come is what it says.
                assert named == []
            elif path.startswith((LIST, "/api/organisations/")):
                # Keys let nobody in, but may read who is in an organisation.
                is_open = not path.startswith(LIST) and not path.endswith(("audit", "invitations/"))
                may_read = method == "get" and is_open
                assert named == (["BearerKey", "HeaderKey", "Session"] if may_read else ["Session"]), path
            else:
                assert named == ["BearerKey", "HeaderKey", "Session"], path
