"""API keys from end to end: made on the page, used by a program, revoked while it watches."""

import asyncio
import contextlib
import json
import re
import urllib.request
from typing import Any, Literal
from urllib.error import HTTPError

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from tests.e2e.person import sign_in, sign_up
from tests.e2e.site import PASSWORD, Site
from tests.e2e.usable import HEIGHT, WIDTH, expect_usable
from tests.e2e.watchman import Watchman
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate

pytestmark = pytest.mark.e2e


async def open_page(page: Page) -> None:
    """By the menu, as a person does."""
    await page.get_by_test_id("account-menu").click()
    await page.get_by_role("link", name="API keys").first.click()
    await expect(page.get_by_role("heading", name="API keys", level=1)).to_be_visible()


async def make_key(page: Page, name: str, *scopes: str) -> str:
    """By the form; the key as it is shown."""
    await page.get_by_test_id("key-name").fill(name)
    for scope in ("watch", "start", "control"):
        await page.locator(f"[name=scopes][value={scope}]").set_checked(scope in scopes)
    await page.get_by_test_id("key-create").click()
    # The password is asked for once, and not again for a while.
    asks = page.get_by_role("heading", name="Confirm it is you")
    await expect(asks.or_(page.get_by_test_id("new-key"))).to_be_visible()
    if await asks.is_visible():
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Confirm").click()
    return await shown_key(page, name)


async def shown_key(page: Page, name: str) -> str:
    shown = page.get_by_test_id("new-key")
    await expect(shown).to_contain_text(name)
    return await shown.get_by_test_id("new-key-text").input_value()


def ask(site: Site, path: str, key: str, body: object = None) -> tuple[int, Any]:
    """As a program does it: with nothing but the key."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{site.url}{path}", data, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


async def asked(site: Site, path: str, key: str, body: object = None) -> tuple[int, Any]:
    return await asyncio.to_thread(ask, site, path, key, body)


def watching(site: Site, path: str, key: str) -> connect:
    return connect(
        site.url.replace("http", "ws", 1) + path, additional_headers={"Authorization": f"Bearer {key}"}
    )


async def read_to(connection: ClientConnection, type_: str) -> dict[str, Any]:
    async for text in connection:
        frame: dict[str, Any] = json.loads(text)
        if frame["type"] == type_:
            return frame
    raise AssertionError(f"closed with {connection.close_code} before {type_}")


async def test_a_key_is_made_used_by_a_program_and_revoked_while_it_watches(
    context: BrowserContext, page: Page, live_site: Site, model: OpenAIServer
) -> None:
    watchman = Watchman()
    watchman.look_at(context)
    gate = Gate()
    model.answer(says("Revenue ", "grew.", gate=gate), to="Financial Analyst")
    await sign_in(page, live_site)
    await open_page(page)
    key = await make_key(page, "Notebook", "watch", "start")
    row = page.get_by_test_id("key-row").filter(has_text="Notebook")
    await expect(row.get_by_test_id("key-last-used")).to_have_text("never")

    status, started = await asked(
        live_site, "/api/conversations/", key, {"topic": "Is Tarnwick worth buying?", "rounds": 1}
    )
    assert status == 201
    status, refused = await asked(
        live_site, f"/api/conversations/{started['id']}/control", key, {"action": "cancel"}
    )
    assert (status, refused["code"]) == (403, "scope_missing")

    async with asyncio.timeout(PATIENCE_SECONDS), watching(live_site, started["ws_url"], key) as program:
        gate.let(1)
        await read_to(program, "token")
        await page.reload()
        await expect(page.get_by_test_id("new-key")).to_have_count(0)
        assert key not in await page.content()
        await expect(row.get_by_test_id("key-last-used")).to_contain_text(re.compile(r"\d\d:\d\d"))
        await row.get_by_test_id("key-revoke").click()
        await row.get_by_test_id("key-revoke-confirm").click()
        await expect(row).to_have_count(0)
        with contextlib.suppress(ConnectionClosedError):
            async for _ in program:
                pass
        assert program.close_code == 4401
    assert (await asked(live_site, "/api/conversations/", key))[0] == 401
    gate.open()
    assert key not in (live_site.data_dir / "server.log").read_text()
    assert watchman.happened == []
    assert watchman.elsewhere(live_site.url) == []


async def test_a_key_that_is_replaced_works_no_more_and_the_new_one_does(page: Page, demo_site: Site) -> None:
    await sign_in(page, demo_site)
    await open_page(page)
    old = await make_key(page, "To be replaced", "watch")
    await page.get_by_test_id("new-key-done").click()
    await expect(page.get_by_test_id("new-key")).to_have_count(0)
    row = page.get_by_test_id("key-row").filter(has_text="To be replaced")
    await row.get_by_test_id("key-rotate").click()
    await expect(row.get_by_test_id("key-rotate-confirm")).to_be_visible()
    await row.get_by_test_id("key-revoke").click()
    await expect(row.get_by_test_id("key-rotate-confirm")).to_be_hidden()
    assert (await asked(demo_site, "/api/conversations/", old))[0] == 200
    await row.get_by_test_id("key-rotate").click()
    await row.get_by_test_id("key-rotate-confirm").click()
    new = await shown_key(page, "To be replaced")
    assert (await asked(demo_site, "/api/conversations/", old))[0] == 401
    assert (await asked(demo_site, "/api/conversations/", new))[0] == 200


async def test_the_copy_button_copies_the_key(context: BrowserContext, page: Page, demo_site: Site) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo_site.url)
    await sign_in(page, demo_site)
    await open_page(page)
    key = await make_key(page, "To be copied", "watch")
    await page.get_by_test_id("new-key-copy").click()
    await expect(page.get_by_test_id("new-key-copy")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == key


async def test_what_is_missing_is_said_beside_its_field(page: Page, demo_site: Site) -> None:
    await sign_in(page, demo_site)
    await open_page(page)
    await page.locator("[name=scopes][value=watch]").uncheck()
    await page.get_by_test_id("key-create").click()
    await expect(page.get_by_text("Enter a name.")).to_be_visible()
    await expect(page.get_by_text("Choose at least one permission.")).to_be_visible()
    await expect(page.get_by_test_id("key-name")).to_be_focused()
    await expect(page.get_by_test_id("new-key")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (1280, 800)], ids=["phone", "desk"])
async def test_everybody_can_use_the_page(
    browser: Browser, demo_site: Site, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    width, height = size
    context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = await context.new_page()
    await page.emulate_media(reduced_motion="reduce")
    await sign_up(page, demo_site, f"keys-{scheme}-{width}")
    await open_page(page)
    await expect(page.get_by_test_id("no-keys")).to_be_visible()
    await expect_usable(page, width)
    await page.get_by_test_id("key-create").click()
    await expect(page.get_by_text("Enter a name.")).to_be_visible()
    await expect_usable(page, width)
    await make_key(page, "Pneumonoultramicroscopicsilicovolcanoconiosis" * 2, "watch", "start", "control")
    await page.get_by_test_id("key-revoke").press("Enter")
    await expect(page.get_by_test_id("key-revoke-confirm")).to_be_visible()
    await expect_usable(page, width)
    await context.close()


async def test_the_page_works_without_scripts(browser: Browser, demo_site: Site) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, demo_site)
    await page.goto(f"{demo_site.url}/account/keys/")
    key = await make_key(page, "Made without scripts", "watch")
    await expect(page.get_by_test_id("new-key-copy")).to_be_hidden()
    assert (await asked(demo_site, "/api/conversations/", key))[0] == 200
    await page.get_by_test_id("new-key-done").click()
    row = page.get_by_test_id("key-row").filter(has_text="Made without scripts")
    await row.get_by_test_id("key-revoke").click()
    await row.get_by_test_id("key-revoke-confirm").click()
    await expect(page.get_by_text("Revoked: Made without scripts.")).to_be_visible()
    assert (await asked(demo_site, "/api/conversations/", key))[0] == 401
    await context.close()
