"""A person composes a team of agents with different models, starts a debate with it, and changes it afterwards."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import Installation
from tests.e2e.person import expect_finished, sign_in, start
from tests.e2e.usable import expect_usable, violations

pytestmark = pytest.mark.e2e


async def test_a_composed_team_debates_with_two_models_and_is_changed_later(
    page: Page, installation: Installation
) -> None:
    await sign_in(page, installation.site)
    await page.get_by_test_id("teams-link").click()
    await page.get_by_role("link", name="Use template Bull and bear").click()
    await expect(page.get_by_test_id("agent-card")).to_have_count(2)

    # A name that passes for the site is refused at its field, and nothing is lost.
    await page.get_by_label("Team name").fill("Two sides")
    card = page.get_by_test_id("agent-card").nth(1)
    await card.get_by_test_id("agent-toggle").click()
    name = card.get_by_label("Name", exact=True)
    await name.fill("Moderator")
    await page.get_by_test_id("save-team").click()
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(name).to_be_focused()
    await name.fill("Skeptic")
    await card.get_by_label("Model").select_option("openai-compatible:understudy")
    await card.get_by_label("Violet").check()
    await card.get_by_role("button", name="Move Skeptic up").press("Enter")
    await expect(page.get_by_test_id("save-state")).to_have_text("Skeptic speaks as number 1 of 2")
    await page.reload()
    await expect(page.get_by_test_id("save-state")).to_have_text("Your unsaved changes are back")
    assert await violations(page) == []
    await page.set_viewport_size({"width": 390, "height": 844})
    await expect_usable(page)
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.get_by_test_id("start-with-team").click()

    await expect(page.get_by_test_id("chosen")).to_have_text(re.compile("^Team: Two sides · "))
    await start(page, "Is silver next?", rounds=1)
    await expect_finished(page)
    await expect(page.get_by_test_id("composed-team")).to_have_text(re.compile(r"Two sides,\s+version 1"))
    spoken = page.get_by_test_id("agent-message")
    agents = [await message.get_attribute("data-agent") for message in await spoken.all()]
    assert agents == ["Skeptic", "Bull", "Moderator"]
    await expect(spoken.first).to_have_attribute("data-color", "4")
    await expect(spoken.first.get_by_test_id("message-model")).to_have_text("understudy · openai-compatible")
    await expect(spoken.nth(1).get_by_test_id("message-model")).to_have_text("stand-in · openai-compatible")
    assert [exchange.body["model"] for exchange in installation.second.asked] == ["understudy"]
    await expect(page.get_by_test_id("verdict")).to_be_visible()
    assert await violations(page) == []

    debate = page.url
    await page.get_by_test_id("composed-team").get_by_role("link").click()
    await page.get_by_label("Rounds").fill("3")
    await page.get_by_test_id("save-team").click()
    await expect(page.get_by_test_id("save-state")).to_have_text("Saved as version 2")
    await page.get_by_test_id("versions").locator("summary").click()
    await expect(page.get_by_test_id("versions")).to_contain_text("Team: rounds")
    await page.goto(debate)
    await expect(page.get_by_test_id("composed-team")).to_contain_text(
        "version 1 of 2: the team has changed since."
    )
