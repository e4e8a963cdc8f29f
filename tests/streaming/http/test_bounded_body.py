"""Bodies that Django would write to a temporary file before any view is asked."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pytest_django import Settings

from streaming.http.bounded_body import MAX_API_BODY, MAX_BODY, most
from tests.support.files import writes
from tests.support.serving import serving

PIECE = b"x" * 65_536


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return writes(monkeypatch)


async def endless() -> AsyncIterator[bytes]:
    for _ in range(5 * MAX_API_BODY // len(PIECE)):
        yield PIECE


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/accounts/login/", "/api/conversations/", "/nowhere"])
async def test_body_without_end_is_413_and_fills_no_disk(
    path: str, settings: Settings, written: list[int]
) -> None:
    async with serving(settings) as site, httpx.AsyncClient(base_url=site, trust_env=False) as http:
        answer = await http.post(path, content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert 0 < sum(written) <= most(path)


@pytest.mark.django_db(transaction=True)
async def test_body_within_the_bound_reaches_its_page(settings: Settings) -> None:
    async with serving(settings) as site, httpx.AsyncClient(base_url=site, trust_env=False) as http:
        answer = await http.post("/accounts/login/", content=b"x" * MAX_BODY)
    # The page refuses it itself: it has no CSRF token.
    assert answer.status_code == 403
