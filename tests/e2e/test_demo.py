"""A scripted debate says everywhere that it is one."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.marks import expect_watermark
from tests.e2e.person import expect_finished, sign_in, start
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e


async def test_a_demo_cannot_be_mistaken_for_an_analysis(page: Page, demo_site: Site) -> None:
    await sign_in(page, demo_site)
    await start(page, "Is silver next?", rounds=2)
    await expect_finished(page)
    await _expect_marked(page)
    await page.reload()
    await expect_finished(page)
    await _expect_marked(page)

    # On the dashboard and in the review, too.
    identity = page.url.rstrip("/").rpartition("/")[2]
    await page.goto(demo_site.url)
    await expect(page.locator(f'[data-id="{identity}"]')).to_contain_text("Demo")
    await page.goto(f"{demo_site.url}/admin/conversations/conversation/{identity}/change/")
    await expect(page.get_by_text("DEMO", exact=True)).to_have_count(1 + 7)
    await expect(page.get_by_text("A script spoke here")).to_be_visible()


async def _expect_marked(page: Page) -> None:
    messages = page.get_by_test_id("agent-message")
    await expect(messages).to_have_count(7)
    for message in await messages.all():
        await expect(message.get_by_test_id("demo-badge")).to_have_text("Demo: scripted")
        await expect(message).to_have_attribute("data-mode", "demo")
    await expect(page).to_have_title(re.compile("^Demo: Is silver next"))
    await expect_watermark(page)
    verdict = page.get_by_test_id("verdict")
    await expect(verdict).to_have_attribute("data-stance", "no_verdict")
    await expect(verdict.get_by_role("heading", name="Demo: no verdict")).to_be_visible()
    await expect(verdict.get_by_text("Confidence")).to_have_count(0)
