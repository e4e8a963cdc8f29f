"""A model fails in mid-debate: who watches sees what became of it, and what they can do."""

import re

import pytest
from playwright.async_api import Page, expect

from conversations.domain.panels import DEFAULT_PANEL
from tests.e2e.conftest import Installation
from tests.e2e.marks import expect_watermark
from tests.e2e.person import expect_finished, open_options, sign_in, start
from tests.e2e.usable import expect_usable, violations
from tests.fakes.replies import Fault, fails, says

pytestmark = pytest.mark.e2e

BREAKS_OFF = says("The sector ", "trades at ", "a premium.", fault=Fault.RESET, fault_after=2)


async def test_another_model_takes_over_and_says_so(page: Page, installation: Installation) -> None:
    installation.first.answer(BREAKS_OFF, to="Market Context", times=9)
    await sign_in(page, installation.site)
    await start(page, "Is silver next?", rounds=1)
    await expect_finished(page)

    spoken = page.get_by_test_id("agent-message")
    agents = [await message.get_attribute("data-agent") for message in await spoken.all()]
    assert agents == ["Financial Analyst", "Market Context", "Risk Challenger", "Moderator"]
    fallback = page.get_by_test_id("fallback").first
    await expect(fallback.get_by_text("The sector")).to_be_hidden()
    await fallback.get_by_text("stand-in failed. Switched to understudy.").click()
    await expect(fallback.get_by_text("The sector")).to_be_visible()
    models = [await message.get_by_test_id("message-model").inner_text() for message in await spoken.all()]
    assert set(models) == {"stand-in · openai-compatible", "understudy · openai-compatible"}
    # Where a provider is, is nobody's business.
    assert "127.0.0.1" not in (await page.inner_text("body")).replace(page.url, "")
    await expect(page.get_by_test_id("watermark")).to_have_count(0)
    assert await violations(page) == []
    await page.set_viewport_size({"width": 390, "height": 844})
    await expect_usable(page)


async def test_a_debate_that_becomes_a_demo_shows_where(page: Page, installation: Installation) -> None:
    await sign_in(page, installation.site)
    gone = says("The sector ", fault=Fault.HANG)
    installation.first.answer(gone, to="Market Context", times=9)
    await open_options(page)
    await page.get_by_test_id("panel-input").select_option(DEFAULT_PANEL)
    await start(page, "Is silver next?", rounds=1)
    await installation.first.until_asked(2)
    await installation.first.stop()
    await installation.second.stop()
    await expect_finished(page)

    await expect(page).to_have_title(re.compile("^Demo: Is silver next"))
    await expect_watermark(page)
    for message in await page.get_by_test_id("agent-message").all():
        is_demo = await message.get_attribute("data-mode") == "demo"
        await expect(message.get_by_test_id("demo-badge")).to_have_count(1 if is_demo else 0)
    await expect(page.locator('[data-agent="Financial Analyst"]')).to_have_attribute("data-mode", "live")
    await expect(page.locator('[data-agent="Moderator"]')).to_have_attribute("data-mode", "demo")
    await expect(page.locator('[data-testid="fallback"][data-to="demo"]')).to_contain_text(
        "Switched to the scripted demo."
    )
    banner = page.get_by_test_id("demo-banner")
    await expect(banner).to_contain_text("Switched to a scripted demo.")
    assert await violations(page) == []


async def test_while_no_model_answers_that_is_said_and_a_person_may_try_again(
    page: Page, installation: Installation
) -> None:
    for model in (installation.first, installation.second):
        # Longer than any debate waits: the circuits stay open until somebody asks for another try.
        model.answer(fails(429, retry_after=300))
    await sign_in(page, installation.site)
    await expect(page.get_by_test_id("live-is-down")).to_have_count(0)
    await start(page, "Is silver next?", rounds=1)
    await expect_finished(page)
    await expect(page.get_by_test_id("demo-banner")).to_contain_text("AI models were unavailable.")
    demo = page.url

    await page.goto(installation.site.url)
    await expect(page.get_by_test_id("live-is-down")).to_have_text(
        "AI models are unavailable. A new debate would show a scripted demo."
    )
    assert await violations(page) == []

    await page.goto(demo)
    await page.get_by_role("button", name="Retry").click()
    await page.wait_for_url(lambda address: "/conversations/" in address and address != demo)
    await expect_finished(page)
    await expect(page.get_by_role("heading", name="Is silver next?")).to_be_visible()
    await expect(page).to_have_title(re.compile("^Is silver next"))
    await expect(page.get_by_test_id("watermark")).to_have_count(0)


@pytest.mark.parametrize("installation", [{"OUTCRY_DEMO_FALLBACK": "false"}], indirect=True)
async def test_a_debate_that_nobody_can_speak_ends_with_what_to_do(
    page: Page, installation: Installation
) -> None:
    await installation.first.stop()
    await installation.second.stop()
    await sign_in(page, installation.site)
    await start(page, "Is silver next?", rounds=1)
    await expect_finished(page, "error")
    error = page.get_by_test_id("error")
    await expect(error).to_contain_text("providers_exhausted")
    await expect(error.get_by_test_id("what-to-do")).to_be_visible()
    await expect(error.get_by_role("link", name="Edit and retry")).to_be_visible()
    await expect(error.get_by_role("button", name="Retry")).to_be_visible()
    assert await violations(page) == []
