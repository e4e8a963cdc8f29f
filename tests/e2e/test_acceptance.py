"""From a question to its debate: what a person who signs in and asks is shown, also when models or the server fail."""

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.e2e.conftest import Installation
from tests.e2e.person import sign_in
from tests.e2e.site import Site
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Fault, says

pytestmark = pytest.mark.e2e

QUESTION = "Analyze current market conditions"
SPEAKERS = ["Financial Analyst", "Market Context", "Risk Challenger"]
BREAKS_OFF = says("The sector ", "trades at ", fault=Fault.RESET, fault_after=2)


def status(page: Page) -> Locator:
    return page.locator('[data-testid="conversation-status"]')


async def ask(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/dashboard")
    await page.fill('[data-testid="content-input"]', QUESTION)
    await page.click('[data-testid="start-conversation"]')
    await expect(status(page)).to_have_text("Initializing")


async def expect_speakers(page: Page) -> None:
    messages = page.locator('[data-testid="agent-message"]')
    await expect(messages.first).to_be_visible(timeout=10_000)
    for place, name in enumerate(SPEAKERS):
        await expect(messages.nth(place)).to_contain_text(name)


async def test_a_question_is_debated_whatever_happens_to_the_models(
    page: Page, installation: Installation
) -> None:
    site, first, second = installation.site, installation.first, installation.second
    await sign_in(page, site)
    await ask(page, site)
    await expect_speakers(page)
    await expect(status(page)).to_have_text("Complete", timeout=120_000)

    # Another model takes over in the middle of the second speaker's message.
    first.answer(BREAKS_OFF, to="Market Context", times=9)
    await ask(page, site)
    await expect(status(page)).to_have_text("Complete", timeout=120_000)
    await expect_speakers(page)

    await first.stop()
    await second.stop()
    await ask(page, site)
    await expect(page.locator('[data-testid="conversation-display"]')).to_contain_text("Demo:")
    await expect_speakers(page)
    await expect(status(page)).to_have_text("Complete", timeout=120_000)


async def test_a_start_that_fails_loses_nothing_and_is_repeated_by_one_press(
    page: Page, live_site: Site, model: OpenAIServer
) -> None:
    await sign_in(page, live_site)

    async def break_off(route: Route) -> None:
        await route.abort()

    async def fail(route: Route) -> None:
        await route.fulfill(status=503, body="Bad gateway")

    start = f"{live_site.url}/api/conversations/"
    for failure in (break_off, fail):
        await page.route(start, failure)
        await page.goto(f"{live_site.url}/dashboard")
        await page.fill('[data-testid="content-input"]', QUESTION)
        await page.click('[data-testid="start-conversation"]')
        await expect(page.get_by_test_id("start-problem")).to_be_visible()
        await expect(page.locator('[data-testid="content-input"]')).to_have_value(QUESTION)
        await page.unroute(start)
    await page.get_by_test_id("try-again").click()
    await expect(status(page)).to_have_text("Initializing")
    await expect_speakers(page)
    await expect(status(page)).to_have_text("Complete", timeout=120_000)
