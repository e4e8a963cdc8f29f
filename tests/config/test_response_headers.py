"""Headers of every response: a browser's unused features are off, and no other site embeds anything of this one."""

from collections.abc import Mapping

import httpx
import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.serving import serving

DOORS = (
    "/accounts/login/",
    "/api/docs",
    "/api/conversations/",
    "/api/v1/models",
    "/a2a/",
    "/.well-known/agent-card.json",
    "/no/such/page",
)


def expect_headers(headers: Mapping[str, str]) -> None:
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    policy = headers["permissions-policy"].split(", ")
    assert {"camera=()", "microphone=()", "geolocation=()", "payment=()"} <= {*policy}
    assert all(feature.endswith("=()") for feature in policy)


@pytest.mark.django_db(transaction=True)
async def test_every_door_sends_the_headers(settings: Settings) -> None:
    async with serving(settings) as site, httpx.AsyncClient(base_url=site) as client:
        for door in DOORS:
            expect_headers((await client.get(door)).headers)


def test_static_files_have_the_headers(client: Client) -> None:
    answer = client.get("/static/frontend/favicon.svg")
    assert answer.status_code == 200
    expect_headers(answer.headers)
    answer.close()


def test_copying_a_key_stays_allowed(settings: Settings) -> None:
    assert "clipboard" not in settings.OUTCRY_RESPONSE_HEADERS["Permissions-Policy"]
