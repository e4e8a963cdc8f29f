"""What a server writes down while people watch: enough to find a run again, and nothing that is theirs."""

import json
import re
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.e2e.site import Site, running

SECRET = "Is Xanthoquill-Perpetual worth buying?"
SAID = "Mind the Zephyrine covenant."
METRICS = "metrics-token-for-this-test"


@pytest.mark.slow
async def test_log_lines_hold_ids_and_no_secrets(tmp_path: Path) -> None:
    environment = {
        "OUTCRY_PROVIDERS": "demo",
        "OUTCRY_DEMO_TOKENS_PER_SECOND": "2000",
        "OUTCRY_LOG_LEVEL": "DEBUG",
        "OUTCRY_LOG_FORMAT": "json",
        "OUTCRY_METRICS_TOKEN": METRICS,
    }
    with running(tmp_path, environment) as site:
        cookies = sign_in(site)
        hello = await watch(site, cookies)
        answer = httpx.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {METRICS}"})
        assert answer.status_code == 200
        # Anybody can cause as many as they like.
        assert httpx.get(site.url, headers={"Host": "elsewhere.example"}).status_code == 400
    log = (tmp_path / "server.log").read_text()
    for secret in (SECRET, "Xanthoquill", SAID, "Zephyrine", METRICS, site.password, *cookies.values()):
        assert secret not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [refused] = [line for line in lines if line["logger"] == "django.security.DisallowedHost"]
    assert "Traceback" not in json.dumps(refused)
    [joined] = [line for line in lines if line["event"] == "watcher_joined"]
    [left] = [line for line in lines if line["event"] == "watcher_left"]
    session, conversation = hello["data"]["session"], hello["conversation"]
    assert (joined["watcher"], joined["transport"], joined["level"]) == (session, "websocket", "info")
    assert (left["watcher"], left["conversation"], left["code"]) == (session, conversation, 1000)
    assert joined["user"] == left["user"] == 1
    assert left["cursor"] > 10
    assert left["tokens"] > 0
    assert left["seconds"] > 0
    # The server greets its administrator by name; its log knows nobody's.
    assert not re.search(rf"\b{site.username}\b", json.dumps(lines))


def sign_in(site: Site) -> dict[str, str]:
    """The cookies of its one account."""
    with httpx.Client(base_url=site.url, cookies=CookieJar()) as client:
        page = client.get("/accounts/login/").text
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found
        form = {"login": site.username, "password": site.password, "csrfmiddlewaretoken": found[1]}
        answer = client.post("/accounts/login/", data=form)
        assert answer.status_code == 302
        return dict(client.cookies)


async def watch(site: Site, cookies: dict[str, str]) -> dict[str, Any]:
    """Start a debate, speak in it, and watch it to its end; the hello."""
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    address = site.url.replace("http", "ws", 1) + "/ws/conversations/"
    async with connect(
        address, origin=Origin(site.url), additional_headers={"Cookie": cookie}, max_size=None
    ) as socket:
        await socket.send(json.dumps({"type": "start", "topic": SECRET, "rounds": 1}))
        hello: dict[str, Any] = json.loads(await socket.recv())
        await socket.send(json.dumps({"type": "input", "text": SAID}))
        async for _ in socket:
            pass
    assert hello["type"] == "hello"
    return hello
