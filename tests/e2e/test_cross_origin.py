"""Other sites' pages: kept out unless they are named, at the doors and at what Django answers alike."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page

from scripts.ports import free_port
from tests.e2e.programs import key_of
from tests.e2e.site import Site, running
from tests.streaming.transports.agui.copilotkit_client import PACKAGES, require_packages

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


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def files(folder: Path) -> Iterator[str]:
    """Another site, whose pages are the folder's files."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", free_port()), functools.partial(Quiet, directory=folder)
    ) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


# The requests of openai's client in a page, with all of its headers.
ASK = """async ([site, apiKey]) => {
  const { default: OpenAI } = await import("/index.mjs");
  const client = new OpenAI({
    baseURL: `${site}/api/v1`, apiKey, maxRetries: 0, dangerouslyAllowBrowser: true,
    organization: "org-1", project: "proj-1", timeout: 60_000,
  });
  const asked = { model: "outcry-financial-debate", messages: [{ role: "user", content: "Buy?" }] };
  const metadata = { rounds: "1" };
  let told = "";
  for await (const chunk of await client.chat.completions.create({ ...asked, metadata, stream: true }))
    told += chunk.choices[0]?.delta.content ?? "";
  const answer = client.chat.completions.stream({ ...asked, metadata });
  return [told, await answer.finalContent()];
}"""


async def test_openais_client_works_on_another_sites_page(page: Page, tmp_path: Path) -> None:
    require_packages()
    with files(PACKAGES / "openai") as friend:
        quick = {"OUTCRY_PROVIDERS": "demo", "OUTCRY_DEMO_TOKENS_PER_SECOND": "5000"}
        with running(tmp_path, {**quick, "OUTCRY_CORS_ORIGINS": friend}) as site:
            key = key_of(site, "start", "watch")
            await page.goto(f"{friend}/package.json")
            told = await page.evaluate(ASK, [site.url, key])
    assert ["## Verdict (demo)" in text for text in told] == [True, True]


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
