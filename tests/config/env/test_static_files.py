"""Static files as `collectstatic` makes them and a real server sends them: by names that change with what they name,
compressed, and kept by browsers for good; and as they are found where nobody has collected them."""

import gzip
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import brotli
import httpx
import pytest
from playwright.sync_api import sync_playwright

from config.env.static_files import IMMUTABLE, is_collected
from scripts.places import read_env_file
from tests.e2e import programs
from tests.e2e.conftest import CHROMIUM, QUIET, needed
from tests.e2e.site import ROOT, Site, running
from tests.support.settings import CHECK, SECRET_KEY, run

pytestmark = pytest.mark.e2e

BUILT = ROOT / "frontend" / "dist"
YEAR = 31_536_000
PAGES = (
    "/dashboard",
    "/monitor/",
    "/account/keys/",
    "/api/docs",
    "/admin/",
    "/admin/conversations/conversation/",
)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with everything collected in it."""
    folder = tmp_path_factory.mktemp("collected")
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "OUTCRY_DATA_DIR": str(folder), "DATABASE_URL": "", "REDIS_URL": ""},
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def site(collected: Path) -> Iterator[Site]:
    with running(collected, {"OUTCRY_PROVIDERS": "demo"}) as site:
        yield site


@pytest.fixture(scope="module")
def plain_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same where nothing has been collected."""
    with running(tmp_path_factory.mktemp("found"), {"OUTCRY_PROVIDERS": "demo"}) as site:
        yield site


@cache
def cookies(site: Site) -> str:
    return programs.signed_in(site)


@cache
def addresses(site: Site, page: str) -> set[str]:
    """Of the static files that the page loads."""
    answer = httpx.get(site.url + page, headers={"Cookie": cookies(site)})
    assert answer.status_code == 200, page
    return set(re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", answer.text))


def get(site: Site, address: str, encodings: str = "identity") -> tuple[httpx.Headers, bytes]:
    """Its headers, and its body as it came over the wire."""
    with httpx.stream("GET", site.url + address, headers={"Accept-Encoding": encodings}) as answer:
        assert answer.status_code == 200, address
        return answer.headers, b"".join(answer.iter_raw())


def seconds(headers: httpx.Headers) -> int:
    found = re.search(r"max-age=(\d+)", headers["Cache-Control"])
    assert found
    return int(found[1])


@pytest.mark.parametrize("page", PAGES)
def test_static_files_of_pages_are_immutable(site: Site, page: str) -> None:
    loaded = addresses(site, page)
    assert loaded
    for address in loaded:
        headers, _ = get(site, address)
        assert "immutable" in headers["Cache-Control"], address
        assert seconds(headers) >= YEAR


@pytest.mark.parametrize(("encoding", "unpack"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
def test_scripts_and_styles_are_sent_compressed(site: Site, encoding: str, unpack: object) -> None:
    assert callable(unpack)
    texts = {
        address for page in PAGES for address in addresses(site, page) if address.endswith(("js", "css"))
    }
    kinds = {address.split("/")[2] for address in texts}
    assert {"assets", "admin", "ninja"} <= kinds
    for address in texts:
        headers, packed = get(site, address, encoding)
        plain_headers, plain = get(site, address)
        # What is tiny would not become smaller.
        if len(plain) > 1000:
            assert headers["Content-Encoding"] == encoding, address
            assert headers["Vary"] == "Accept-Encoding"
            assert len(packed) < len(plain)
            assert unpack(packed) == plain
        assert "Content-Encoding" not in plain_headers


def test_first_load_of_a_debate_is_light(site: Site) -> None:
    """With an empty cache, as compressed: the page, scripts, styles, fonts and images, without their headers."""
    needed(bool(CHROMIUM), "Chromium")
    asked: dict[str, str] = {}
    sizes: Counter[str] = Counter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        pairs = (pair.split("=", 1) for pair in cookies(site).split("; "))
        page.context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in pairs])
        network = page.context.new_cdp_session(page)
        network.on(
            "Network.requestWillBeSent",
            lambda sent: asked.update({sent["requestId"]: sent["request"]["url"]}),
        )
        network.on(
            "Network.dataReceived",
            lambda part: sizes.update({asked[part["requestId"]]: part["encodedDataLength"]}),
        )
        network.send("Network.enable")
        page.goto(f"{site.url}/sample/", wait_until="networkidle")
        page.locator("outcry-message .prose p").first.wait_for()
        browser.close()
    assert {"js", "css", "woff2"} <= {address.rpartition(".")[2] for address in sizes}
    assert 50_000 < sizes.total() < 120_000, sizes


def test_unhashed_files_are_revalidated(site: Site, plain_site: Site) -> None:
    for where in (site, plain_site):
        headers, _ = get(where, "/static/admin/css/base.css")
        assert "immutable" not in headers["Cache-Control"]
        assert seconds(headers) <= 60


def test_pages_load_scripts_by_their_vite_names(site: Site) -> None:
    """Otherwise a browser would have two of them."""
    loaded = {address for page in PAGES for address in addresses(site, page) if "/assets/" in address}
    assert loaded
    assert {address.rpartition("/")[2] for address in loaded} <= {
        file.name for file in (BUILT / "assets").iterdir()
    }


def test_only_what_vite_built_has_names_like_vite_s(collected: Path) -> None:
    found = {file.name for file in (collected / "static" / "assets").iterdir()}
    assert {name for name in found if not name.endswith((".br", ".gz"))} == {
        file.name for file in (BUILT / "assets").iterdir()
    }
    static = ROOT / "frontend" / "static"
    elsewhere = [f"/static/{file.relative_to(static)}" for file in static.rglob("*") if file.is_file()]
    assert elsewhere
    assert not [address for address in elsewhere if re.search(IMMUTABLE, address)]


def test_without_collecting_every_page_is_whole(plain_site: Site) -> None:
    for page in PAGES:
        for address in addresses(plain_site, page):
            headers, _ = get(plain_site, address)
            assert ("immutable" in headers["Cache-Control"]) == ("/assets/" in address), address


@pytest.mark.parametrize(
    "stores",
    [
        {},
        {
            "OUTCRY_RUNNER": "worker",
            "DATABASE_URL": "postgresql://outcry:password@db.example:5432/outcry",
            "REDIS_URL": "redis://:password@redis.example:6379/0",
        },
    ],
    ids=["one process", "workers"],
)
def test_documented_site_passes_deploy_checks(collected: Path, stores: dict[str, str]) -> None:
    example = read_env_file(ROOT / "deploy" / "outcry.env.example")
    values = {**example, "SECRET_KEY": SECRET_KEY, "OPENAI_API_KEY": "key", **stores}
    done = run(collected, (*CHECK, "--deploy"), values)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n")
    assert done.stderr == ""


def test_files_collected_for_another_build_are_not_used(collected: Path, tmp_path: Path) -> None:
    built = tmp_path / "dist"
    shutil.copytree(BUILT, built)
    assert is_collected(collected / "static", built)
    (built / "manifest.json").write_text("{}")
    assert not is_collected(collected / "static", built)
    assert not is_collected(tmp_path / "nothing", BUILT)
