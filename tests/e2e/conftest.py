"""A real Chromium, and real servers for it to visit."""

import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from scripts import programs
from scripts.ports import free_port
from tests.e2e.site import ROOT, Site, running, running_beside
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support.servers import at_last

CHROMIUM = str(programs.CHROMIUM.find() or "")
MODEL = Path(os.environ.get("OUTCRY_TEST_MODEL") or ROOT / "var/models/SmolLM2-135M-Instruct.Q4_1.gguf")
# Without these, Chromium calls its makers at every start; root has no sandbox.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Nothing here measures time: a busy machine may take its own.
expect.set_options(timeout=60_000)


def needed(there: bool, what: str) -> None:
    """Skip by name and reason on a person's machine; never in CI."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not on this machine")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Chromium that all tests of this process share, because a start takes a second of CPU."""
    needed(bool(CHROMIUM), "Chromium")
    options = tmp_path_factory.mktemp("chromium") / "options.json"
    options.write_text(json.dumps({"executablePath": CHROMIUM, "args": QUIET}))
    command: list[str | Path] = [
        *compute_driver_executable(),
        "launch-server",
        "--browser",
        "chromium",
        "--config",
        options,
    ]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        at_last(f"kill {server.pid}"),
    ):
        assert server.stdout is not None
        yield server.stdout.readline().strip()


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Closed with all of its contexts."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect(chromium)
        yield browser
        await browser.close()


@pytest.fixture
async def context(browser: Browser) -> BrowserContext:
    return await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    return await context.new_page()


@pytest.fixture(scope="session")
def local_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Outcry with the local model."""
    needed(MODEL.exists(), f"the local model ({MODEL})")
    env = {"OUTCRY_PROVIDERS": "local", "OUTCRY_LOCAL_MODEL": str(MODEL)}
    with running(tmp_path_factory.mktemp("local"), env) as site:
        yield site


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Outcry with the scripted model, at full speed."""
    env = {"OUTCRY_PROVIDERS": "demo", "OUTCRY_DEMO_TOKENS_PER_SECOND": "1000"}
    with running(tmp_path_factory.mktemp("demo"), env) as site:
        yield site


@pytest.fixture(scope="session")
def model_port() -> int:
    """Where the provider of `live_site` listens, whenever a test has one."""
    return free_port()


def spoken_by(model_port: int) -> dict[str, str]:
    """Settings of a site whose model is the stand-in, and waits for a test as long as it takes."""
    return {
        "OUTCRY_PROVIDERS": OpenAIServer(port=model_port).provider,
        "OUTCRY_FIRST_TOKEN_SECONDS": "600",
        "OUTCRY_STALL_SECONDS": "600",
    }


@pytest.fixture(scope="session")
def _live_site(tmp_path_factory: pytest.TempPathFactory, model_port: int) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("live"), spoken_by(model_port)) as site:
        yield site


@pytest.fixture
async def live_site(_live_site: Site, model: OpenAIServer) -> AsyncIterator[Site]:
    """Outcry with a model that says what a test lets it say: see `model`."""
    yield _live_site
    # A model that went away in mid-debate would not be asked for a while, not by the next test either.
    model.forget()
    for connection in (*model._connections,):
        connection.cancel()
    await until_silent(_live_site)


@dataclass(frozen=True)
class Installation:
    """A site with two models, of which the first is preferred."""

    site: Site
    first: OpenAIServer
    second: OpenAIServer


@pytest.fixture
async def installation(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Installation]:
    """Its parameter, if there is one, are further settings of the site."""
    more = getattr(request, "param", {})
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(OpenAIServer(port=free_port()))
        second = await stack.enter_async_context(OpenAIServer(port=free_port()))
        providers = f"{first.provider},openai-compatible:understudy@{second.url}"
        env = {"OUTCRY_PROVIDERS": providers, "OUTCRY_DEMO_TOKENS_PER_SECOND": "1000", **more}
        site = await stack.enter_async_context(running_beside(tmp_path, env))
        yield Installation(site, first, second)


async def until_silent(site: Site) -> None:
    """Return once no model speaks in any of the site's debates, as the log has it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await asyncio.to_thread(_speaking, site):
            await asyncio.sleep(0.05)


def _speaking(site: Site) -> int:
    """How many of the site's debates a model speaks in."""
    with contextlib.closing(sqlite3.connect(site.data_dir / "outcry.sqlite3")) as database:
        query = "SELECT count(*) FROM conversations_conversation WHERE status IN ('queued', 'initializing', 'active')"
        [[count]] = database.execute(query)
    return int(count)


@pytest.fixture
async def model(model_port: int) -> AsyncIterator[OpenAIServer]:
    """The model of `live_site`, which ends with a few words what a test leaves unfinished."""
    async with OpenAIServer(port=model_port) as server:
        yield server
