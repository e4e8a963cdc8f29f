"""The record on the page of a debate: marks while it is spoken, the card, the panel with its chart, and what came
after."""

import json
import re

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.e2e.person import expect_finished, post, sign_in
from tests.e2e.site import Site
from tests.e2e.usable import HEIGHT, WIDTH, expect_usable, violations
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import VERDICT, says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

APPLE = {
    "topic": "It is 31 December 2012. Apple at $532.17: buy, hold or sell?",
    "instrument": "Apple",
    "as_of": "2012-12-31T23:59:59Z",
    "content": "Notes.\nTarnwick's revenue was £412.0 million in FY2025. It is sunny.",
    "rounds": 1,
}
WORDS = (
    "Apple closed at **$532.17** [E1], below its 52-week high of $702.10 [E3].",
    " The",
    " net margin was 30 % in FY2012 [E14, E15]. Sales in China were 22.8 billion dollars [E99].",
)
SUMMARY = {**VERDICT, "summary": "Apple at $532.17 [E1] is worth its price."}


async def test_figures_are_marked_and_lead_to_the_record(
    page: Page, context: BrowserContext, live_site: Site, model: OpenAIServer
) -> None:
    await context.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => (window.refused ??= []).push(event.violatedDirective))"
    )
    gate = Gate()
    model.answer(says(*WORDS, gate=gate), to="Financial Analyst")
    model.answer(says(json.dumps(SUMMARY)), to="Moderator")
    await sign_in(page, live_site)
    debate = await post(page, "", APPLE)
    await page.goto(f"{live_site.url}/conversations/{debate}/")
    message = page.locator('[data-agent="Financial Analyst"]')
    marks = message.locator(".checked-figure")
    gate.let(2)
    await expect(message).to_have_attribute("data-state", "speaking")
    await expect(marks).to_have_text(["$532.17", "$702.10"])
    gate.open()
    await expect_finished(page)
    await expect(marks).to_have_text(["$532.17", "$702.10", "30 %", "22.8 billion dollars"])
    labels = await marks.evaluate_all("marks => marks.map(({ dataset }) => dataset.label)")
    assert labels == ["matched", "matched", "contradicted", "unsupported"]
    # Words beside the colour, which are not read out nor copied.
    shown = "mark => getComputedStyle(mark, '::after').content"
    assert "record: 26.67" in await marks.nth(2).evaluate(shown)
    await expect(message.locator(".citation")).to_have_text(["E1", "E3", "E14", "E15"])

    # Of a debate that is over, the verdict comes first, and the messages are out of view.
    await page.reload()
    await _read_a_figure_by_keyboard(page)
    await _look_around_the_panel(page)
    await expect(page.get_by_test_id("verdict").locator(".checked-figure")).to_have_text("$532.17")
    outcome = page.get_by_test_id("outcome")
    await expect(outcome).to_contain_text("−19.1")
    await expect(outcome).to_contain_text("It proves no skill")
    assert await violations(page) == []
    assert await page.evaluate("window.refused ?? []") == []

    # On the phone, the card is a sheet.
    await page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    await page.reload()
    await message.locator(".citation").first.click()
    card = page.get_by_test_id("evidence-card")
    await expect(card).to_be_visible()
    box = await card.bounding_box()
    assert box is not None
    assert (box["x"], box["width"], round(box["y"] + box["height"])) == (0, WIDTH, HEIGHT)
    await expect_usable(page)
    await page.keyboard.press("Escape")
    await page.emulate_media(media="print")
    await expect(page.locator(".evidence-list li").first).to_contain_text(
        "AAPL, closing price, 31 Dec 2012: $532.17"
    )
    await expect(message.get_by_test_id("figures").locator("li").first).to_be_visible()


async def _read_a_figure_by_keyboard(page: Page) -> None:
    strip = page.locator('[data-agent="Financial Analyst"]').get_by_test_id("figures")
    summary = strip.locator("summary")
    await expect(summary).to_have_text(
        "4 figures: 2 match the record, 1 is not in the record, 1 contradicts the record"
    )
    await summary.press("Enter")
    row = strip.get_by_role("button").first
    await page.keyboard.press("Tab")
    await expect(row).to_be_focused()
    await page.keyboard.press("Enter")
    card = page.get_by_role("dialog", name="Evidence")
    await expect(card).to_be_focused()
    # Opening it does not scroll the page.
    await expect(row).to_be_in_viewport()
    await expect(card).to_contain_text(re.compile(r"30 % contradicts the record: the record has 26\.67"))
    await expect(card).to_contain_text("156,508,000,000 USD")
    await page.keyboard.press("Escape")
    await expect(card).to_be_hidden()
    await expect(row).to_be_focused()


async def _look_around_the_panel(page: Page) -> None:
    panel = page.get_by_test_id("evidence-panel")
    await expect(panel.get_by_test_id("evidence-missing")).to_contain_text(
        "Real GDP (US): only outdated values"
    )
    chart = panel.get_by_test_id("evidence-chart")
    await expect(chart).to_have_attribute(
        "aria-label", re.compile("Cited: E3, 19 Sept 2012; E1, 31 Dec 2012")
    )
    await expect(chart.locator("canvas").first).to_be_visible()
    await panel.get_by_test_id("evidence-table").locator("summary").click()
    await expect(panel.get_by_role("row", name="31 Dec 2012 Month's last $532.17")).to_be_visible()
    await expect(panel.get_by_role("link", name=re.compile("TradingView"))).to_have_attribute(
        "href", "https://www.tradingview.com/"
    )

    await panel.get_by_test_id("evidence-items").locator("summary").click()
    await panel.get_by_role("button", name=re.compile(r"your text FY2025\s+£412")).click()
    card = page.get_by_test_id("evidence-card")
    await expect(card).to_contain_text("From your sources")
    await card.get_by_test_id("show-source").click()
    await expect(card.locator("mark")).to_have_text("Tarnwick's revenue was £412.0 million in FY2025.")
    await page.keyboard.press("Escape")

    # As annotations of the OpenAI-compatible API link to it.
    await page.goto(f"{page.url.partition('#')[0]}#E3")
    await page.reload()
    await expect(card).to_contain_text("E3 · AAPL")
    await expect(panel.locator('[data-evidence="E3"]')).to_be_in_viewport()
    await page.keyboard.press("Escape")
