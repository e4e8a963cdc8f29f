"""A client's `Daphne-Root-Path` header chooses no host and no path, on either web server."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.e2e import programs
from tests.e2e.site import Site, running
from tests.fakes.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.e2e

EVIL = "http://evil.example"
POISON = {"Daphne-Root-Path": EVIL}
DOORS = (
    "/",
    "/dashboard",
    "/accounts/login/",
    "/accounts/password/reset/",
    "/account/keys/",
    "/admin/",
    "/admin/conversations/conversation/",
    "/monitor/",
    "/conversations/11111111-1111-4111-8111-111111111111/",
    "/api/docs",
    "/api/openapi.json",
    "/api/keys/",
    "/api/conversations/",
    "/api/conversations/11111111-1111-4111-8111-111111111111/stream",
    "/api/v1/models",
    "/ag-ui/",
    "/a2a/",
    "/.well-known/agent-card.json",
    "/no/such/page",
)


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    env = {
        "OUTCRY_WEB_SERVER": request.param,
        "OUTCRY_PROVIDERS": "demo",
        "OUTCRY_METRICS_NETWORKS": "127.0.0.1",
        "EMAIL_URL": f"filemail://{folder}/mail",
    }
    with running(folder, env) as site:
        yield site


def mails(site: Site) -> str:
    """Every mail that the site has sent."""
    return "".join(path.read_text() for path in sorted(Path(site.data_dir, "mail").glob("*.log")))


def poisoned(site: Site, cookies: str = "") -> httpx.Client:
    headers = {**POISON, "Cookie": cookies} if cookies else POISON
    return httpx.Client(base_url=site.url, headers=headers, timeout=PATIENCE_SECONDS)


def test_the_reset_mail_of_a_poisoned_request_leads_to_the_site(site: Site) -> None:
    with poisoned(site) as client:
        page = client.get("/accounts/password/reset/").text
        [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page))
        answer = client.post(
            "/accounts/password/reset/", data={"csrfmiddlewaretoken": token, "email": "ada@example.com"}
        )
    assert answer.headers["Location"] == "/accounts/password/reset/done/"
    mail = mails(site)
    assert f"{site.url}/accounts/password/reset/key/" in mail
    assert "evil.example" not in mail


@pytest.mark.parametrize("signed_in", [False, True])
def test_no_door_repeats_the_root_path_of_a_client(site: Site, signed_in: bool) -> None:
    with poisoned(site, programs.signed_in(site) if signed_in else "") as client:
        for door in DOORS:
            answer = client.get(door)
            assert answer.status_code < 500, door
            assert "evil.example" not in f"{answer.headers} {answer.text}", door


def test_a_socket_opens_at_its_own_path_whatever_the_root_path(site: Site) -> None:
    address = site.url.replace("http", "ws", 1) + "/ws/conversations/"
    headers = {**POISON, "Cookie": programs.signed_in(site)}
    with connect(address, additional_headers=headers, origin=Origin(site.url)) as socket:
        socket.send('{"type": "ping"}')
        assert "evil.example" not in str(socket.recv(timeout=PATIENCE_SECONDS))


def test_metrics_answer_at_their_own_path_only(site: Site) -> None:
    """A proxy that closes /metrics must not be passed by with a longer path."""
    with httpx.Client(base_url=site.url, headers={"Daphne-Root-Path": "/x"}) as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/x/metrics").status_code == 404
