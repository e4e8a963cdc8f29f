"""API keys: made, found, used, and at an end."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from conversations.access import api_keys, principals
from conversations.domain.errors import (
    InvalidInput,
    KeyExpired,
    LimitReached,
    NotFound,
    ScopeMissing,
    Unauthenticated,
)
from conversations.models import ApiKey
from tests.support.api_keys import ENDS, UNKNOWN, delete_owner, disable_owner, expire, make, revoke, rotate
from tests.support.outages import Lock

pytestmark = pytest.mark.django_db(transaction=True)


# What is kept


def test_a_key_is_random_and_begins_with_its_prefix(alice: User) -> None:
    (first, text), (second, other) = make(alice), make(alice)
    assert re.fullmatch(r"oc_[a-zA-Z0-9]{8}_[a-zA-Z0-9_-]{43}", text)
    assert text.startswith(f"{first.prefix}_")
    assert (text, first.prefix) != (other, second.prefix)


def test_only_its_hash_is_kept(alice: User) -> None:
    key, text = make(alice)
    stored = ApiKey.objects.filter(pk=key.pk).values().get()
    assert stored["digest"] == sha256(text.encode()).hexdigest()
    secret = text.removeprefix(f"{key.prefix}_")
    assert not any(secret in str(value) for value in stored.values())


def test_a_person_keeps_so_many_and_no_more(alice: User, bob: User) -> None:
    made = [make(alice)[0] for _ in range(api_keys.MAX_KEPT)]
    expire(made[0])
    with pytest.raises(LimitReached):
        make(alice)
    make(bob)
    revoke(made[0])
    make(alice)


# Finding


def test_a_key_is_found_by_its_text_with_its_owner(alice: User) -> None:
    key, text = make(alice)
    found = api_keys.find(text)
    assert found is not None
    assert (found.pk, found.owner) == (key.pk, alice)


@pytest.mark.parametrize("end", [*ENDS, delete_owner])
def test_a_key_at_its_end_is_not_found(alice: User, bob: User, end: Callable[[ApiKey], None]) -> None:
    key, text = make(alice)
    _, other = make(bob)
    end(key)
    assert api_keys.find(text) is None
    assert api_keys.find(other) is not None


def test_what_is_no_key_is_not_found(alice: User) -> None:
    key, text = make(alice)
    wrong = [
        UNKNOWN,
        "",
        text[:-1],
        f"{text}a",
        text.upper(),
        f"{text}\n",
        f" {text}",
        key.digest,
        key.prefix,
    ]
    assert [api_keys.find(other) for other in [*wrong, "\0", "ü" * 55, "x" * 1_000_000]] == [None] * 12


def test_what_is_not_formed_as_a_key_does_not_reach_the_database(alice: User) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert api_keys.find("x" * 55) is None
    assert len(asked) == 0


def test_a_key_is_looked_for_by_its_hash_alone(alice: User) -> None:
    _, text = make(alice)
    with CaptureQueriesContext(connection) as asked:
        api_keys.find(text[:-1] + ("b" if text[-1] == "a" else "a"))
    assert not any(text[3:20] in query["sql"] for query in asked)


def test_it_lasts_to_its_last_moment_and_not_beyond(alice: User) -> None:
    _, text = make(alice, expires_at=datetime.now(UTC) + timedelta(days=1))
    assert api_keys.find(text) is not None
    ApiKey.objects.update(expires_at=timezone.now())
    assert api_keys.find(text) is None


# Its last use


def used_at(key: ApiKey) -> datetime | None:
    return ApiKey.objects.get(pk=key.pk).last_used_at


def test_its_use_is_noted_at_most_once_a_minute(alice: User) -> None:
    key, text = make(alice)
    assert used_at(key) is None
    api_keys.find(text)
    first = used_at(key)
    assert first is not None
    api_keys.find(text)
    assert used_at(key) == first
    ApiKey.objects.update(last_used_at=first - api_keys.USE_NOTED_EVERY)
    api_keys.find(text)
    assert (used_at(key) or first) >= first


def test_a_use_that_cannot_be_noted_opens_all_the_same(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, text = make(alice)

    def locked(*args: Any, **values: Any) -> int:
        raise OperationalError("database is locked")

    monkeypatch.setattr(QuerySet, "update", locked)
    with caplog.at_level(logging.WARNING):
        assert api_keys.find(text) is not None
    assert "key_use_not_noted" in caplog.text
    assert text not in caplog.text


def test_key_is_found_while_the_database_is_locked(alice: User) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("Only SQLite locks as a whole.")
    key, text = make(alice)
    with CaptureQueriesContext(connection) as asked:
        lock = Lock(str(connection.settings_dict["NAME"]))
        lock.begin()
        try:
            assert api_keys.find(text) is not None
        finally:
            lock.end()
    assert used_at(key) is None
    patiences = [query["sql"] for query in asked if query["sql"].startswith("PRAGMA busy_timeout =")]
    assert patiences == ["PRAGMA busy_timeout = 250"]
    with connection.cursor() as cursor:
        # What comes after it is as patient as ever.
        assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] > 250


# Ends


def test_a_new_secret_takes_the_place_of_the_old_one(alice: User) -> None:
    expires_at = timezone.now() + timedelta(days=1)
    key, old = make(alice, "watch", name="Notebook", expires_at=expires_at)
    api_keys.find(old)
    rotated, text = api_keys.rotate(alice, key.pk)
    assert api_keys.find(old) is None
    found = api_keys.find(text)
    assert found is not None
    assert (found.pk, found.name, found.scopes, found.expires_at) == (
        key.pk,
        "Notebook",
        ["watch"],
        expires_at,
    )
    assert text.startswith(rotated.prefix)
    assert rotated.prefix != key.prefix


def test_revoked_unknown_and_foreign_keys_cannot_be_changed(alice: User, bob: User) -> None:
    key, text = make(alice)
    gone, _ = make(bob)
    revoke(gone)
    for pk in (key.pk, gone.pk, uuid4()):
        with pytest.raises(NotFound):
            api_keys.revoke(bob, pk)
        with pytest.raises(NotFound):
            api_keys.rotate(bob, pk)
    assert api_keys.find(text) is not None
    assert [*api_keys.listed(bob)] == []


def test_expired_key_is_listed_and_revoked_but_not_rotated(alice: User) -> None:
    key, _ = make(alice)
    expire(key)
    assert [*api_keys.listed(alice)] == [key]
    with pytest.raises(KeyExpired):
        api_keys.rotate(alice, key.pk)
    api_keys.revoke(alice, key.pk)
    assert [*api_keys.listed(alice)] == []


# Callers


def test_principal_has_the_owners_rights_within_its_scopes(alice: User) -> None:
    key, text = make(alice, "watch", "control")
    caller = principals.of_headers({"authorization": f"Bearer {text}"})
    assert (caller.user.pk, caller.key, {*caller.scopes}) == (alice.pk, key.pk, {"watch", "control"})
    caller.require("watch")
    with pytest.raises(ScopeMissing, match="start"):
        caller.require("start")
    for scope in ("watch", "start", "control"):
        principals.Principal(alice).require(scope)


@pytest.mark.parametrize(
    ("headers", "brought"),
    [
        ({}, None),
        ({"authorization": "Basic YTpi"}, None),
        ({"authorization": "Bearer k"}, "k"),
        ({"authorization": "bearer  k "}, "k"),
        ({"authorization": "Bearer"}, ""),
        ({"x-api-key": "k"}, "k"),
        ({"x-api-key": ""}, ""),
        ({"authorization": "Basic YTpi", "x-api-key": "k"}, "k"),
        ({"authorization": "Bearer k", "x-api-key": "other"}, "k"),
    ],
)
def test_a_key_comes_in_either_header(headers: dict[str, str], brought: str | None) -> None:
    assert principals.key_in(headers) == brought


@pytest.mark.parametrize("headers", [{}, {"x-api-key": UNKNOWN}, {"authorization": "Bearer"}])
def test_who_brings_none_or_a_wrong_one_is_nobody(alice: User, headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        principals.of_headers(headers)


@pytest.mark.parametrize("end", [*ENDS, delete_owner])
def test_who_came_with_a_key_is_nobody_after_its_end(alice: User, end: Callable[[ApiKey], None]) -> None:
    key, text = make(alice)
    caller = principals.of_headers({"x-api-key": text})
    assert principals.still(caller) == caller
    end(key)
    with pytest.raises(Unauthenticated):
        principals.still(caller)


def test_the_ends_are_ends_of_this_key(alice: User) -> None:
    """That each of them really does something to the row it is given."""
    for end in (revoke, rotate, expire):
        key, _ = make(alice)
        before = ApiKey.objects.filter(pk=key.pk).values().get()
        end(key)
        assert ApiKey.objects.filter(pk=key.pk).values().get() != before
    disable_owner(key)
    alice.refresh_from_db()
    assert not alice.is_active


# The longest life


def test_a_key_that_would_live_too_long_is_refused(alice: User, settings: Settings) -> None:
    settings.OUTCRY_KEY_DAYS = 30
    for expires_at in (None, datetime.now(UTC) + timedelta(days=32)):
        with pytest.raises(InvalidInput, match="A key is valid for at most 30 days here"):
            make(alice, expires_at=expires_at)
    made, _ = make(alice, expires_at=datetime.now(UTC) + timedelta(days=30))
    assert made.ends_at is not None


def test_older_keys_end_with_the_longest_life(alice: User, settings: Settings) -> None:
    key, text = make(alice)
    ApiKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=31))
    assert api_keys.find(text) == key
    settings.OUTCRY_KEY_DAYS = 30
    assert api_keys.find(text) is None
    assert ApiKey.objects.get().has_expired
    with pytest.raises(KeyExpired):
        api_keys.rotate(alice, key.pk)
