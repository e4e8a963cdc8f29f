"""The pages on a phone, by day and by night: nothing lies beyond the edge, and nothing is out of anybody's reach."""

from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.person import expect_finished, sign_in, start
from tests.e2e.site import Site
from tests.e2e.usable import HEIGHT, WIDTH, expect_usable
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

ANSWER = (
    "Revenue grew **18 %**, and the [filing](https://filings.example/a-very-long-address/that-does-not-end/2026) "
    "says why.\n\n"
    "| Quarter | Revenue | Gross margin | Free cash flow | EV/EBITDA | Net debt |\n|---|--:|---|---|---|---|\n"
    "| Q3 | $1,412.5m | 61 % | 74 | 12.5x | n/a |\n\n"
    "With $r = 9.5%$ it is worth\n\n$$\nP_0 = \\sum_{t=1}^{n} \\frac{FCF_t}{(1+r)^t}\n$$\n\n"
    "```\nfree_cash_flow = operating_cash_flow - capital_expenditure - everything_else\n```\n\n"
    "> Antidisestablishmentarianism-without-a-single-hyphenation-opportunity\n\nThat is all."
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_fits_a_phone_and_can_be_used_by_everybody(
    browser: Browser, live_site: Site, model: OpenAIServer, scheme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme, has_touch=True, is_mobile=True
    )
    page = await context.new_page()
    await page.emulate_media(reduced_motion="reduce")
    await page.goto(live_site.url)
    await expect_usable(page)
    await page.goto(f"{live_site.url}/accounts/signup/")
    await expect_usable(page)

    gate = Gate()
    model.answer(says(*ANSWER.split(" ", 1), gate=gate), to="Market Context")
    model.default = says(*ANSWER)
    await sign_in(page, live_site)
    topic = "Is Pneumonoultramicroscopicsilicovolcanoconiosis-Holdings-International worth buying?"
    await start(page, topic, content=ANSWER, rounds=1)
    gate.let(1)
    await expect(page.locator('[data-agent="Market Context"] .prose')).to_contain_text("Revenue")
    await expect(page.get_by_test_id("control-pause")).to_be_in_viewport()
    await expect(page.get_by_test_id("control-stop")).to_be_in_viewport()
    await expect_usable(page)

    gate.open()
    await expect_finished(page)
    await expect(page.get_by_test_id("verdict")).to_be_visible()
    await _expect_readable(page)
    await page.locator("details.material summary").click()
    await expect_usable(page)
    await page.get_by_test_id("account-menu").click()
    await expect_usable(page)

    await page.goto(live_site.url)
    await page.get_by_test_id("sidebar-toggle").click()
    await expect(page.get_by_test_id("conversation-row").first).to_be_visible()
    await expect_usable(page)
    await page.keyboard.press("Escape")
    await page.get_by_test_id("start-conversation").click()
    await expect(page.locator(".field-error:visible")).to_be_visible()
    await expect_usable(page)


async def _expect_readable(page: Page) -> None:
    """Formulas are drawn. A wide table scrolls by itself, and breaks no figure."""
    said = page.locator('[data-agent="Market Context"] .prose')
    await expect(said.locator("math mfrac")).to_have_count(1)
    view = said.locator(".table-view")
    assert await view.evaluate("view => view.scrollWidth > view.clientWidth")
    figure = said.locator("td", has_text="$1,412.5m")
    assert await figure.evaluate("cell => getComputedStyle(cell).textAlign") in {"right", "end"}
    assert await figure.evaluate(
        "cell => cell.clientHeight < 2 * parseFloat(getComputedStyle(cell).lineHeight) + 20"
    )
