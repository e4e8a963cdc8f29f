"""A person's settings in a browser, and taking a debate away."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.person import expect_finished, sign_in, start
from tests.e2e.site import Site
from tests.e2e.usable import expect_usable

pytestmark = pytest.mark.e2e

PAGES = (
    *("/account/", "/account/keys/", "/account/data/", "/accounts/email/", "/accounts/password/change/"),
    *("/accounts/2fa/", "/accounts/3rdparty/", "/accounts/sessions/", "/no/such/page/"),
)
WAYS_IN = (
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
)


async def theme(page: Page) -> str | None:
    return await page.locator("html").get_attribute("data-theme")


async def test_settings_change_every_page_and_all_are_usable(page: Page, demo_site: Site) -> None:
    await sign_in(page, demo_site)
    await page.goto(f"{demo_site.url}/account/")
    await expect(page.get_by_label("Time zone")).to_contain_text("Browser's time zone (")
    await page.get_by_label("Display name").fill("Ada Lovelace")
    await page.get_by_role("radio", name="Dark").check()
    # Before it is saved.
    assert await theme(page) == "dark"
    await page.get_by_test_id("save-settings").click()
    await expect(page.get_by_text("Settings saved.")).to_be_visible()
    await expect(page.get_by_test_id("account-menu")).to_have_text("Ada Lovelace")
    for path in PAGES:
        await page.goto(demo_site.url + path)
        assert await theme(page) == "dark"
        await expect_usable(page, 1280)
    # The button in the page's head is a choice, too.
    async with page.expect_response("**/account/theme/") as answered:
        await page.locator("[data-theme-toggle]").click()
    assert (await answered.value).status == 204
    await page.goto(f"{demo_site.url}/account/")
    await expect(page.get_by_role("radio", name="Light")).to_be_checked()
    await page.get_by_role("radio", name="System").check()
    await page.get_by_label("Display name").fill("")
    await page.get_by_test_id("save-settings").click()
    await expect(page.get_by_text("Settings saved.")).to_be_visible()
    assert await theme(page) is None


async def test_ways_in_are_usable(page: Page, demo_site: Site) -> None:
    for path in WAYS_IN:
        await page.goto(demo_site.url + path)
        await expect_usable(page, 1280)


async def test_a_debate_is_taken_away_as_a_file(page: Page, demo_site: Site, tmp_path: Path) -> None:
    await sign_in(page, demo_site)
    await start(page, "Is Tarnwick worth buying?", rounds=1)
    await expect_finished(page)
    await page.get_by_test_id("export").click()
    async with page.expect_download() as downloading:
        await page.get_by_test_id("export-json").click()
    download = await downloading.value
    assert download.suggested_filename.startswith("outcry-is-tarnwick-worth-buying-")
    saved = tmp_path / "debate.json"
    await download.save_as(saved)
    told = json.loads(saved.read_text())
    assert told["folded"]["status"] == "completed"
