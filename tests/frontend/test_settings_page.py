"""A person's settings, and what the pages make of them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from conversations.domain.errors import ProviderError
from conversations.models import ApiKey, Preferences
from conversations.providers import circuit_breaker
from conversations.providers.catalog import parse
from tests.frontend.pages import text
from tests.support.api_keys import make

pytestmark = pytest.mark.django_db

SETTINGS = "/account/"


def save(client: Client, **values: Any) -> Any:
    sent = {"display_name": "", "time_zone": "", "theme": "", "notify": "on", **values}
    return client.post(SETTINGS, {name: value for name, value in sent.items() if value is not None})


def test_settings_are_saved_and_shown(signed_in: Client, alice: User) -> None:
    answer = save(
        signed_in, display_name=" Ada\nLovelace ", time_zone="Asia/Tokyo", theme="dark", notify=None
    )
    assert (answer.status_code, answer["Location"]) == (302, SETTINGS)
    own = Preferences.objects.get(person=alice)
    assert (own.display_name, own.time_zone, own.theme, own.notify) == (
        "Ada Lovelace",
        "Asia/Tokyo",
        "dark",
        False,
    )
    page = text(signed_in.get(SETTINGS))
    for shown in (
        '<html lang="en" data-theme="dark" data-time-zone="Asia/Tokyo" data-notify="off"',
        "<bdi>Ada Lovelace</bdi>",
        'value="Asia/Tokyo" selected',
    ):
        assert shown in page


@pytest.mark.parametrize(
    ("field", "value"),
    [("display_name", "x" * 61), ("time_zone", "Mars/Olympus"), ("theme", "sepia"), ("display_name", "a\0b")],
)
def test_a_wrong_value_is_refused_at_its_field(signed_in: Client, field: str, value: str) -> None:
    answer = save(signed_in, **{field: value})
    assert answer.status_code == 200
    assert "errorlist" in text(answer)
    assert not Preferences.objects.exists()


def test_times_are_in_the_chosen_zone_else_in_the_browsers(signed_in: Client, alice: User) -> None:
    key, _ = make(alice)
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    page = reverse("api_keys")
    assert "1 Jul 2026, 22:30 UTC" in text(signed_in.get(page))
    signed_in.cookies["browser_time_zone"] = "Europe/Berlin"
    assert "2 Jul 2026, 00:30 CEST" in text(signed_in.get(page))
    save(signed_in, time_zone="America/New_York")
    assert "1 Jul 2026, 18:30 EDT" in text(signed_in.get(page))
    signed_in.cookies["browser_time_zone"] = "../../etc/passwd"
    save(signed_in, time_zone="")
    assert "1 Jul 2026, 22:30 UTC" in text(signed_in.get(page))


def test_the_button_for_colours_is_remembered(signed_in: Client, alice: User) -> None:
    def press(body: object) -> int:
        return signed_in.post(reverse("theme"), json.dumps(body), "application/json").status_code

    assert press({"theme": "dark"}) == 204
    assert Preferences.objects.get(person=alice).theme == "dark"
    wrong: list[object] = [{"theme": "sepia"}, {}, [], "x"]
    assert [press(body) for body in wrong] == [400] * 4
    assert Preferences.objects.get(person=alice).theme == "dark"


def test_before_the_sign_in_a_cookie_has_the_colours(client: Client, alice: User) -> None:
    client.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in text(client.get(reverse("account_login")))
    client.cookies["theme"] = '"><script>'
    assert "data-theme=" not in text(client.get(reverse("account_login"))).split("<body>")[0]
    # Who is signed in has chosen the system's.
    client.cookies["theme"] = "dark"
    client.force_login(alice)
    assert 'data-theme="' not in text(client.get("/dashboard")).split("<body>")[0]
    assert save(client).cookies["theme"].value == ""


def test_models_in_use_are_listed_with_their_state(signed_in: Client, settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["openai:one", "openai-compatible:two@http://127.0.0.1:9/secret/v1"]
    failure = ProviderError("provider_unreachable", "It failed.", retryable=True)
    async_to_sync(circuit_breaker.failed)(parse("openai:one"), failure)
    page = text(signed_in.get(SETTINGS))
    listed = page[page.index('data-testid="models"') :]
    assert (
        listed.index("one") < listed.index("Not answering") < listed.index("two") < listed.index("Available")
    )
    assert "secret" not in page


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    assert client.get(SETTINGS).status_code == 302
    assert client.post(reverse("theme"), "{}", "application/json").status_code == 302
