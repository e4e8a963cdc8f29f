"""Open WebUI by the recipe of docs/clients.md, where it is installed: a panel is a model, and its debate a chat."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from scripts.ports import free_port
from tests.e2e.programs import key_of
from tests.e2e.site import running_beside
from tests.support.recipes import recipe

pytestmark = pytest.mark.e2e

COMMAND = shutil.which(os.environ.get("OUTCRY_TEST_OPEN_WEBUI") or "open-webui")
# It needs no account, and asks nobody on the network for anything.
ALONE = {
    "WEBUI_AUTH": "False",
    "WEBUI_SECRET_KEY": "secret",
    "OFFLINE_MODE": "True",
    "HF_HUB_OFFLINE": "1",
    "RAG_EMBEDDING_ENGINE": "openai",
}
START_SECONDS = 180.0
SPEAKERS = ["Financial Analyst", "Market Context", "Risk Challenger"]
TURNS = [
    *(f"{speaker}, round {number} (demo)" for number in (1, 2) for speaker in SPEAKERS),
    "Moderator (demo)",
    "Verdict (demo)",
]


@pytest.fixture
async def open_webui(tmp_path: Path) -> AsyncIterator[str]:
    """Its address, with an Outcry whose debates are demos."""
    if COMMAND is None:
        pytest.skip("Open WebUI is not installed, for it is several GB: name one by OUTCRY_TEST_OPEN_WEBUI")
    quick = {"OUTCRY_PROVIDERS": "demo", "OUTCRY_DEMO_TOKENS_PER_SECOND": "300"}
    async with running_beside(tmp_path, quick) as site:
        port, data = free_port(), tmp_path / "open-webui"
        data.mkdir()
        path = os.pathsep.join([str(Path(COMMAND).parent), os.environ["PATH"]])
        told = {"OUTCRY_URL": site.url, "OUTCRY_KEY": key_of(site, "start", "watch"), "PORT": str(port)}
        with (tmp_path / "open-webui.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                "sh",
                "-c",
                recipe("Open WebUI"),
                cwd=data,
                env={**os.environ, **ALONE, **told, "PATH": path, "DATA_DIR": str(data)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                address = f"http://127.0.0.1:{port}"
                async with asyncio.timeout(START_SECONDS):
                    await healthy(address)
                yield address
            finally:
                process.terminate()
                await process.wait()


async def healthy(address: str) -> None:
    async with httpx.AsyncClient() as http:
        while True:
            try:
                if (await http.get(f"{address}/health")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.5)


async def test_a_panel_answers_as_a_model_does(open_webui: str, page: Page) -> None:
    await page.goto(open_webui, wait_until="domcontentloaded")
    # The introduction shown at the first visit.
    await page.get_by_role("button", name="Okay, Let's Go!").click()
    await page.locator("#chat-input").click()
    await page.keyboard.type("Is Tarnwick worth buying?")
    await page.keyboard.press("Enter")
    headings = page.locator(".markdown-prose h2")
    await expect(headings).to_have_text(TURNS)
    await page.locator("#chat-input").click()
    await page.keyboard.type("And with twice the debt?")
    await page.keyboard.press("Enter")
    await expect(headings).to_have_text([*TURNS, *TURNS])
