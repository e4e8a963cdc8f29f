"""The sidebar: search, names, pins, deletion and its undoing, by mouse and by keyboard."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.person import post, sign_up
from tests.e2e.site import Site
from tests.e2e.usable import HEIGHT, WIDTH, expect_usable
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says

pytestmark = pytest.mark.e2e


def row(page: Page, name: str) -> Locator:
    return page.get_by_test_id("conversation-row").filter(has_text=name)


async def act(page: Page, name: str, action: str) -> None:
    await row(page, name).hover()
    await row(page, name).get_by_test_id("row-actions").click()
    await row(page, name).get_by_role("button", name=action, exact=True).click()


async def test_a_history_is_searched_and_kept_in_order(
    page: Page, live_site: Site, model: OpenAIServer
) -> None:
    model.default = says("Cash", " flow", " covers", " the", " walnut", " harvest.")
    await sign_up(page, live_site, "historian")
    for topic in ("Is the first one safe?", "Is the second one safe?"):
        await post(page, "", {"topic": topic, "rounds": 1})
    await page.reload()
    # The list follows the debates without being asked.
    for topic in ("first one", "second one"):
        await expect(row(page, topic)).to_have_attribute("data-status", "completed", timeout=60_000)

    await page.locator("h1").click()
    await page.keyboard.press("/")
    await page.keyboard.type("walnut")
    await expect(row(page, "second one").locator("mark")).to_have_text("walnut")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(row(page, "first one").locator("a")).to_be_focused()
    await page.keyboard.press("Control+k")
    await page.keyboard.press("Escape")
    await expect(page.locator("mark")).to_have_count(0)

    await act(page, "first one", "Rename")
    await page.keyboard.type("<b>Harvest</b>")
    await page.keyboard.press("Enter")
    await act(page, "<b>Harvest</b>", "Pin")
    await page.reload()
    await expect(page.get_by_test_id("conversation-list")).to_contain_text("Pinned")
    await expect(page.get_by_test_id("conversation-row").first).to_contain_text("<b>Harvest</b>")

    await act(page, "second one", "Delete")
    await expect(row(page, "second one")).to_have_count(0)
    await page.get_by_test_id("undo-delete").click()
    await expect(row(page, "second one").locator("a")).to_be_focused()
    await act(page, "second one", "Delete")
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.get_by_test_id("conversation-list")).to_be_focused()
    await page.reload()
    await expect(page.get_by_test_id("conversation-row")).to_have_count(1)
    await expect_usable(page, width=1280)

    await page.get_by_test_id("sidebar-toggle").click()
    await expect(page.get_by_test_id("conversation-list")).to_be_hidden()
    await page.reload()
    await expect(page.get_by_test_id("sidebar-toggle")).to_have_attribute("aria-expanded", "false")
    await page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    await page.get_by_test_id("sidebar-toggle").click()
    await expect(page.get_by_test_id("conversation-row")).to_be_visible()
    await expect_usable(page)
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("conversation-list")).to_be_hidden()


async def test_a_new_account_looks_at_the_sample(page: Page, live_site: Site) -> None:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    await sign_up(page, live_site, "newcomer")
    await page.get_by_test_id("sample-link").click()
    await expect(page.get_by_test_id("sample-note")).to_contain_text("fictional")
    await expect(page.get_by_test_id("verdict")).to_contain_text("Hold")
    await expect(page.get_by_test_id("agent-message")).to_have_count(7)
    await expect(page.get_by_test_id("conversation-list")).to_contain_text("Your debates will be listed here")
    await expect_usable(page, width=1280)
    assert failures == []
