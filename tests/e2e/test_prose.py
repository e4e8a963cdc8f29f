"""Long texts on the page of a debate: copied, linked to, and drawn as they are read."""

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.e2e.person import expect_finished, give_credentials, sign_in, start
from tests.e2e.site import Site
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.support.prose import REPORT, report

pytestmark = pytest.mark.e2e

LONG = report(8_000)


async def test_messages_and_tables_are_copied_and_a_link_opens_at_its_message(
    page: Page, context: BrowserContext, live_site: Site, model: OpenAIServer
) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    model.default = says(LONG)
    model.answer(says(REPORT), to="Risk Challenger")
    await sign_in(page, live_site)
    await start(page, "Is it worth 28 times earnings?", rounds=2)
    await expect_finished(page)
    message = page.locator('[data-agent="Risk Challenger"]').first

    await message.get_by_test_id("copy-message").click()
    await expect(message.get_by_test_id("copy-message")).to_have_text("Copied")
    assert await _clipboard(page) == REPORT
    # By the keyboard: from the table's view to its buttons.
    await message.locator(".table-view").first.focus()
    await page.keyboard.press("Tab")  # the link in the table
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(message.locator(".table-actions").get_by_text("Copied")).to_be_visible()
    first, cloud, *_ = (await _clipboard(page)).split("\r\n")
    assert first == "Segment,FY2023,FY2024,Change,Operating margin,Comment"
    assert cloud.startswith("Cloud infrastructure and platform services,60.9,72.7,+19.4%,31.2%,")

    last = page.locator('[data-round="2"][data-agent="Risk Challenger"]')
    await last.get_by_test_id("copy-link").click()
    await expect(last.get_by_test_id("copy-link")).to_have_text("Copied")
    link = await _clipboard(page)
    opened = await context.new_page()
    await opened.goto(link)
    linked = opened.locator("[data-linked]")
    await expect(linked).to_be_focused()
    await expect(linked).to_have_attribute("data-round", "2")
    await expect(opened.locator("outcry-message .prose:empty:not([hidden])")).to_have_count(0)
    await expect(linked.locator(".prose")).to_be_in_viewport()
    top = "element => element.getBoundingClientRect().top"
    assert 0 < await linked.evaluate(top) < 150
    # What is far from the window takes no time to lay out.
    is_laid_out = (
        "element => element.querySelector('.prose').checkVisibility({ contentVisibilityAuto: true })"
    )
    assert await linked.evaluate(is_laid_out)
    assert not await opened.locator("outcry-message").first.evaluate(is_laid_out)

    # The link survives the sign-in.
    await context.clear_cookies(name="sessionid")
    await opened.goto("about:blank")
    await opened.goto(link)
    await give_credentials(opened, live_site)
    await expect(linked).to_be_focused()

    # A reference leads to its note, and the note back.
    reference = linked.locator("[to]").first
    await reference.get_by_role("link").click()
    note = opened.locator("[note][data-linked]")
    await expect(note).to_be_in_viewport()
    await expect(note).to_be_focused()
    await note.get_by_title("Back to the text").click()
    await expect(opened.locator("[to][data-linked]")).to_be_focused()


async def _clipboard(page: Page) -> str:
    text: str = await page.evaluate("navigator.clipboard.readText()")
    return text
