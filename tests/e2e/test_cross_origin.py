"""Other sites' pages: kept out unless they are named, at the doors and at what Django answers alike."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.site import Site, running

pytestmark = pytest.mark.e2e

FRIEND = "https://app.example"
ADDRESSES = ["/api/conversations/", "/api/conversations/6f1c0000-0000-4000-8000-000000000000/stream"]


@pytest.fixture(scope="module")
def friendly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data: Path = tmp_path_factory.mktemp("cors")
    with running(data, {"OUTCRY_PROVIDERS": "demo", "OUTCRY_CORS_ORIGINS": FRIEND}) as site:
        yield site


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_named_site_may_read_the_answer(friendly: Site, address: str) -> None:
    answer = httpx.get(f"{friendly.url}{address}", headers={"Origin": FRIEND})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "x-outcry-conversation" in answer.headers["access-control-expose-headers"]
    # Keys only: a cookie would make every page of that site one of ours.
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_named_site_may_send_a_key(friendly: Site, address: str) -> None:
    asked = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{friendly.url}{address}", headers=asked)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert {"authorization", "x-api-key", "last-event-id"} <= set(
        answer.headers["access-control-allow-headers"].split(", ")
    )


@pytest.mark.parametrize("address", [*ADDRESSES, "/accounts/login/"])
def test_no_other_site_may(friendly: Site, address: str) -> None:
    answer = httpx.get(f"{friendly.url}{address}", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_pages_are_for_nobody_else(friendly: Site) -> None:
    answer = httpx.get(f"{friendly.url}/accounts/login/", headers={"Origin": FRIEND})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("address", ADDRESSES)
def test_without_the_setting_there_is_none(live_site: Site, address: str) -> None:
    answer = httpx.get(f"{live_site.url}{address}", headers={"Origin": FRIEND})
    assert not [name for name in answer.headers if name.startswith("access-control")]
