"""The page on which people download what is stored about them, and delete their account."""

import io
from typing import Any
from zipfile import ZipFile

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from conversations.models import AuditEntry, Conversation, Deletion, LegalHold
from tests.frontend.pages import text
from tests.frontend.test_pages import assert_inert
from tests.support import belongings, debates
from tests.support.sessions import confirmed

pytestmark = pytest.mark.django_db

ADDRESS = "/account/data/"
ASKS = reverse("account_reauthenticate")
PASSWORD = "correct-horse-battery"


def whole(response: Any) -> bytes:
    """The body of an asynchronous response."""

    async def read() -> bytes:
        return b"".join([chunk async for chunk in response.streaming_content])

    return async_to_sync(read)()


def delete(client: Client, name: str = "alice") -> str:
    return text(client.post(ADDRESS, {"action": "delete", "username": name}, follow=True))


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    assert client.get(ADDRESS)["Location"] == f"{reverse('account_login')}?next={ADDRESS}"


def test_the_account_leads_to_the_page(alice: User) -> None:
    page = text(confirmed(alice).get(ADDRESS))
    assert f'href="{ADDRESS}" aria-current="page"' in page
    assert "your 0 debates" in page
    assert_inert(page)


@pytest.fixture
def with_password(alice: User) -> Client:
    """Signed in long ago."""
    alice.set_password(PASSWORD)
    alice.save()
    client = Client()
    client.force_login(alice)
    return client


@pytest.mark.parametrize("action", ["download", "delete"])
def test_nothing_is_done_by_a_session_alone(with_password: Client, alice: User, action: str) -> None:
    client, fields = with_password, {"action": action, "username": "alice"}
    assert client.post(ADDRESS, fields, follow=True).redirect_chain[-1][0].startswith(ASKS)
    assert User.objects.filter(pk=alice.pk).exists()
    assert not AuditEntry.objects.filter(action="exported").exists()


def confirm(client: Client, answer: Any) -> Any:
    """The answer to the password that the page asks for."""
    return client.post(answer["Location"], {"password": PASSWORD})


def test_a_download_is_ready_after_the_password(with_password: Client) -> None:
    sent_to = with_password.post(ADDRESS, {"action": "download"})
    assert sent_to["Location"] == f"{ADDRESS}?confirm"
    back = confirm(with_password, with_password.get(sent_to["Location"]))
    page = back if back.status_code == 200 else with_password.get(back["Location"])
    assert "The download is ready." in text(page)
    assert whole(with_password.post(ADDRESS, {"action": "download"})).startswith(b"PK")


def test_the_deletion_follows_the_password(with_password: Client, alice: User) -> None:
    asked = with_password.post(ADDRESS, {"action": "delete", "username": "alice"})
    answer = confirm(with_password, asked)
    assert (answer.status_code, answer["Location"]) == (302, reverse("account_login"))
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not Session.objects.exists()


@pytest.mark.parametrize("action", ["download", "delete"])
def test_each_action_needs_the_csrf_token(alice: User, action: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(ADDRESS, {"action": action, "username": "alice"}).status_code == 403


def test_an_unknown_action_is_a_bad_request(alice: User) -> None:
    assert confirmed(alice).post(ADDRESS, {"action": "other"}).status_code == 400


def test_people_download_what_is_stored_about_them(alice: User, conversation: Conversation) -> None:
    response = confirmed(alice).post(ADDRESS, {"action": "download"})
    assert response["Content-Disposition"] == 'attachment; filename="outcry-data.zip"'
    assert "no-store" in response["Cache-Control"]
    body = whole(response)
    assert int(response["Content-Length"]) == len(body)
    with ZipFile(io.BytesIO(body)) as archive:
        assert str(conversation.pk).encode() in archive.read("conversations.conversation.jsonl")


def test_downloads_are_limited(alice: User, settings: Settings) -> None:
    settings.OUTCRY_CONTROL_RATE = "1/minute"
    client = confirmed(alice)
    whole(client.post(ADDRESS, {"action": "download"}))
    assert "Too many requests" in text(client.post(ADDRESS, {"action": "download"}, follow=True))


def test_people_delete_their_account(alice: User) -> None:
    debate = belongings.ended(alice)
    client = confirmed(alice)
    assert "your 1 debate " in text(client.get(ADDRESS))
    assert "Your account and your debates were deleted." in delete(client)
    assert not User.objects.filter(pk=alice.pk).exists()
    assert Deletion.objects.get().conversation == debate.pk
    assert client.get("/dashboard").status_code == 302


def test_another_name_deletes_nothing(alice: User) -> None:
    assert "that is not your username" in delete(confirmed(alice), "bob")
    assert User.objects.filter(pk=alice.pk).exists()


def test_the_page_tells_why_an_account_cannot_be_deleted(alice: User) -> None:
    LegalHold.objects.create(person=alice, reason="Tarnwick v. Outcry <b>")
    client = confirmed(alice)
    page = text(client.get(ADDRESS))
    assert "Tarnwick v. Outcry &lt;b&gt;. Nothing is deleted until the hold is lifted." in page
    assert 'value="delete"' not in page
    assert "Tarnwick v. Outcry" in delete(client)
    assert User.objects.filter(pk=alice.pk).exists()


def test_a_running_debate_delays_the_deletion(alice: User) -> None:
    debates.create(alice)
    assert "1 debate is still running." in delete(confirmed(alice))
    assert User.objects.filter(pk=alice.pk).exists()
