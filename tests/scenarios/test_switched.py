"""Transports that are off, and transports that were moved: a server as the settings have it, asked at every address."""

import re
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from streaming.wire.close_codes import Close
from tests.e2e.site import Site, running
from tests.fakes.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

NOWHERE = "00000000-0000-4000-8000-000000000000"
MOVED = {
    "OUTCRY_WEBSOCKET_PATH": "moved/sockets/",
    "OUTCRY_SSE_PATH": "moved/events/",
    "OUTCRY_OPENAI_PATH": "moved/openai/",
    "OUTCRY_AGUI_PATH": "moved/agui/",
    "OUTCRY_A2A_PATH": "moved/a2a/",
}
# Each transport by HTTP: its addresses as they were, and as they are. The agent's card never moves.
ADDRESSES: dict[str, list[tuple[str, str, str]]] = {
    "sse": [
        ("GET", f"api/conversations/{NOWHERE}/stream", f"moved/events/{NOWHERE}/stream"),
        ("POST", "api/conversations/stream", "moved/events/stream"),
    ],
    "openai": [
        ("GET", "api/v1/models", "moved/openai/models"),
        ("GET", "api/v1/models/outcry-financial-debate", "moved/openai/models/outcry-financial-debate"),
        ("POST", "api/v1/chat/completions", "moved/openai/chat/completions"),
    ],
    "agui": [("POST", "ag-ui/", "moved/agui/")],
    "a2a": [
        ("POST", "a2a/", "moved/a2a/"),
        ("POST", "a2a/message:send", "moved/a2a/message:send"),
        ("GET", "a2a/tasks", "moved/a2a/tasks"),
    ],
}
# Each is on at one of the two, and off at the other.
SITES = {"one": ["websocket", "openai", "a2a"], "other": ["sse", "agui"]}


@pytest.fixture(scope="module", params=SITES)
def on(request: pytest.FixtureRequest) -> list[str]:
    return SITES[request.param]


@pytest.fixture(scope="module")
def site(on: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("switched"), {**MOVED, "OUTCRY_TRANSPORTS": ",".join(on)}) as site:
        yield site


def asked(site: Site, method: str, path: str) -> httpx.Response:
    body: dict[str, str] | None = {} if method == "POST" else None
    return httpx.request(method, f"{site.url}/{path}", json=body, timeout=PATIENCE_SECONDS)


def is_missing(answer: httpx.Response) -> bool:
    """As the site says it of any address that it has not."""
    nowhere = httpx.get(answer.url.copy_with(path="/nowhere/"), timeout=PATIENCE_SECONDS)
    assert nowhere.status_code == 404
    return shown(answer) == shown(nowhere)


def shown(answer: httpx.Response) -> tuple[int, str, list[str]]:
    return (
        answer.status_code,
        answer.headers["content-type"],
        re.findall(r"<(?:title|h1)[^>]*>(.*?)</", answer.text),
    )


@pytest.mark.parametrize("transport", ADDRESSES)
def test_a_transport_answers_where_it_is_and_only_where_it_is_on(
    site: Site, on: list[str], transport: str
) -> None:
    for method, before, moved in ADDRESSES[transport]:
        assert is_missing(asked(site, method, before))
        answer = asked(site, method, moved)
        if transport in on:
            # It wants to know who asks.
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        else:
            assert is_missing(answer)


def test_the_card_is_there_as_long_as_the_agent_is_and_says_where(site: Site, on: list[str]) -> None:
    answer = asked(site, "GET", ".well-known/agent-card.json")
    if "a2a" in on:
        assert {each["url"].rstrip("/") for each in answer.json()["supportedInterfaces"]} == {
            f"{site.url}/moved/a2a"
        }
    else:
        assert is_missing(answer)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("ws/conversations/", {True: Close.NOT_FOUND, False: Close.NOT_FOUND}),
        ("moved/sockets/", {True: Close.UNAUTHENTICATED, False: Close.NOT_FOUND}),
    ],
)
async def test_a_websocket_opens_where_it_is_and_only_where_it_is_on(
    site: Site, on: list[str], path: str, code: dict[bool, Close]
) -> None:
    url = f"{site.url.replace('http', 'ws', 1)}/{path}"
    async with connect(url, origin=Origin(site.url)) as socket:
        await socket.wait_closed()
    assert socket.close_code == code["websocket" in on]
