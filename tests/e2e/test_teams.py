"""A question is answered by the team that fits it, with a call that is seen; one press asks another team."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.person import expect_finished, sign_in, start
from tests.e2e.site import Site
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import calls, says

pytestmark = pytest.mark.e2e


async def test_a_sum_is_answered_with_a_call_and_may_go_to_another_team(
    page: Page, live_site: Site, model: OpenAIServer
) -> None:
    model.answer(
        calls(("calculate", {"expression": "15% of 850"})),
        says("15% of 850 is **127.5** [E1]."),
        to="Assistant",
    )
    await sign_in(page, live_site)
    await expect(page.get_by_test_id("chosen")).to_have_text(re.compile("Choose for me"))
    await start(page, "What is 15% of 850?")
    routing = page.get_by_test_id("routing")
    await expect(routing).to_contain_text("General assistant The question is a calculation.")
    await expect_finished(page)

    said = page.get_by_test_id("agent-message")
    await expect(said).to_have_count(1)
    await expect(said).to_contain_text("15% of 850 is 127.5")
    await expect(page.get_by_test_id("verdict")).to_have_count(0)
    await expect(page.locator(".round-mark")).to_have_count(0)
    line = page.get_by_test_id("tool-calls").locator("summary")
    await expect(line).to_have_text("Calculate: 15% of 850 = 127.5")
    await line.click()
    await expect(page.get_by_test_id("tool")).to_contain_text("Expression15% of 850")
    await expect(page.get_by_test_id("tool-output")).to_have_text("15% of 850 = 127.5 [E1]")
    await expect(page.get_by_text("Answered", exact=True)).to_be_visible()

    earlier = page.url
    await page.get_by_role("button", name="Ask the financial debate instead").click()
    await page.wait_for_url(lambda url: url != earlier)
    await expect(page.get_by_test_id("agent-message").first).to_contain_text("Financial Analyst")
    await expect_finished(page)
    await expect(page.get_by_test_id("verdict")).to_be_visible()
    # A person has chosen this one.
    await expect(page.get_by_test_id("routing")).to_have_count(0)
