"""The owner steers a debate to its verdict, and asks on."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.person import expect_finished, sign_in, start
from tests.e2e.site import Site
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import asks, says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

QUESTION = "Does your horizon end before August?"


async def test_the_owner_skips_a_question_asks_for_the_verdict_and_follows_up(
    page: Page, live_site: Site, model: OpenAIServer
) -> None:
    gate = Gate()
    asking = asks(QUESTION, after=["Margins held, and the cap lapses in August."])
    model.answer(asking, says("Then it is cheap."), to="Financial Analyst")
    model.answer(says("Rates ", "matter.", gate=gate), to="Market Context")
    await sign_in(page, live_site)
    await start(page, "Is Tarnwick worth buying?", rounds=2)

    # There is one field at a time.
    card = page.get_by_test_id("input-request")
    await expect(card).to_contain_text(re.compile(r"Question for you\s+\d:\d\d left"))
    await expect(page.get_by_role("textbox")).to_have_count(1)
    await card.get_by_role("button", name="Skip").click()
    first = page.get_by_test_id("agent-message").first
    parts = first.locator("outcry-prose:not([hidden]), .prompt, .input-request .quiet")
    await expect(parts).to_have_text(
        ["Margins held, and the cap lapses in August.", QUESTION, "Skipped by ada.", "Then it is cheap."]
    )

    await gate.reached(1)
    await page.get_by_test_id("composer-to").select_option("Financial Analyst")
    await expect(page.get_by_test_id("composer-hint")).to_have_text(
        "Financial Analyst will answer this in round 2."
    )
    await page.get_by_label("Message the analysts").fill("And the debt?")
    await page.get_by_test_id("composer-send").click()
    await expect(page.get_by_test_id("human-message")).to_have_text("ada, to Financial Analyst And the debt?")
    await page.get_by_role("button", name="Verdict now").click()
    await expect(page.get_by_test_id("control")).to_have_text("ada asked for the verdict now.")
    gate.open()
    await expect_finished(page)
    await expect(page.get_by_test_id("agent-message")).to_have_count(3)
    await expect(page.get_by_test_id("verdict")).to_be_visible()

    earlier = page.url
    await page.get_by_role("button", name="Ask a follow-up").click()
    field = page.get_by_label("Your next question")
    await expect(field).to_be_focused()
    await field.fill("And in euros?")
    await page.get_by_role("button", name="Ask", exact=True).click()
    await page.wait_for_url(lambda url: url != earlier)
    await expect(page.get_by_role("heading", level=1)).to_have_text("And in euros?")
    await expect_finished(page)
    opening = model.asked[-1].messages[-1]["content"]
    assert '"earlier_question": "Is Tarnwick worth buying?"' in opening
    await page.get_by_test_id("related").get_by_role("link", name="Is Tarnwick worth buying?").click()
    await expect(page.get_by_test_id("related")).to_have_text(re.compile(r"Followed by\s+And in euros\?"))
