"""Limits that a person sets: named before the start, shown while it runs, and said when they are reached."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from pytest_django import Settings

from conversations.domain import requests
from conversations.domain.panels import DEFAULT_PANEL, FINANCIAL_DEBATE
from conversations.providers import catalog
from conversations.services import cost_estimate
from tests.e2e.conftest import spoken_by
from tests.e2e.person import expect_finished, open_options, sign_in, start
from tests.e2e.site import Site, running_beside
from tests.e2e.usable import expect_usable, violations
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

TOPIC = "Is silver next?"
ANSWER_TOKENS = 100


@pytest.fixture
async def site(tmp_path: Path, model_port: int) -> AsyncIterator[Site]:
    limits = {
        "OUTCRY_MAX_ANSWER_TOKENS": str(ANSWER_TOKENS),
        "OUTCRY_MAX_USD_PER_CONVERSATION": "0.5",
        "OUTCRY_MAX_TOKENS_PER_USER_DAY": "1000000",
    }
    async with running_beside(tmp_path, {**spoken_by(model_port), **limits}) as site:
        yield site


@pytest.fixture
def enough_for_two(settings: Settings, model: OpenAIServer) -> tuple[int, tuple[int, int]]:
    """Tokens that cover two turns, and a judgement, of a debate that would have nine, because the model uses many: the
    least that may be set, of which two turns leave less than has to be set aside for one; and each turn's usage."""
    settings.OUTCRY_MAX_ANSWER_TOKENS = ANSWER_TOKENS
    new = requests.NewConversation.parse({"topic": TOPIC, "rounds": 3, "panel": DEFAULT_PANEL})
    provider = catalog.parse(model.provider)
    question = cost_estimate.question_of(new)
    least = cost_estimate.estimate(new, question, provider, FINANCIAL_DEBATE).tokens.low
    calls = cost_estimate.first_and_last(question, provider, FINANCIAL_DEBATE)
    set_aside = sum(call.input_tokens + call.output_tokens for call in calls)
    return least, ((least - set_aside) // 2 + 1, 0)


async def test_the_form_tells_what_a_debate_takes_and_what_is_allowed(
    page: Page, site: Site, model: OpenAIServer
) -> None:
    await sign_in(page, site)
    await page.get_by_test_id("content-input").fill(TOPIC)
    shown = page.get_by_test_id("estimate")
    await expect(shown).to_contain_text(re.compile(r"^stand-in: no price set · about [\d,]+–[\d,]+ tokens"))
    before = await shown.inner_text()
    dollars = page.get_by_test_id("max-usd-input")
    await expect(dollars).to_be_hidden()
    await open_options(page)
    await expect(page.get_by_test_id("left-today")).to_have_text("Left for you today: 1,000,000 tokens.")
    await page.get_by_test_id("rounds-input").fill("6")
    await expect(shown).not_to_have_text(before)

    await expect(page.get_by_text("At most $0.50 on this site.")).to_be_visible()
    await dollars.fill("0.75")
    await page.get_by_test_id("start-conversation").click()
    await expect(page.locator('[data-field="max_usd"] .field-error')).to_have_text("At most $0.50 here.")
    assert await violations(page) == []
    await page.set_viewport_size({"width": 390, "height": 844})
    await expect_usable(page)


async def test_a_debate_shows_what_is_spent_and_is_closed_when_its_budget_is_reached(
    page: Page, site: Site, model: OpenAIServer, enough_for_two: tuple[int, tuple[int, int]]
) -> None:
    limit, usage = enough_for_two
    gate = Gate()
    model.default = says("At 24 times ", "earnings.", usage=usage)
    model.answer(says("At 24 times ", "earnings.", gate=gate, usage=usage), to="Market Context")
    await sign_in(page, site)
    await open_options(page)
    await page.get_by_test_id("panel-input").select_option(DEFAULT_PANEL)
    await page.get_by_test_id("max-tokens-input").fill(str(limit))
    await page.get_by_test_id("max-minutes-input").fill("10")
    await start(page, TOPIC, rounds=3)
    gate.let(1)
    await expect(page.locator('[data-agent="Market Context"] .prose')).to_contain_text("At 24 times")
    await page.get_by_test_id("run-details").locator("summary").click()
    tokens = page.get_by_test_id("limit-tokens")
    await expect(tokens).to_contain_text(f"of {limit:,}")
    await expect(tokens).to_contain_text("left")
    await expect(page.get_by_test_id("limit-time")).to_contain_text("of 10:00")
    # The site's own limit holds where the person set none.
    await expect(page.get_by_test_id("limit-money")).to_contain_text("of $0.50")
    assert await violations(page) == []
    gate.open()

    await expect_finished(page)
    await expect(page.get_by_test_id("budget-reached")).to_have_text(
        "Limit reached: the Moderator closes the debate."
    )
    await expect(page.get_by_test_id("round")).to_have_text("Round 1 of 3")
    await expect(page.get_by_test_id("verdict")).to_have_attribute("data-stance", "buy")
    await expect(page.get_by_test_id("stop-reason")).to_have_text("Limit reached")
    assert await violations(page) == []
    await page.reload()
    await expect_finished(page)
    await expect(page.get_by_test_id("budget-reached")).to_have_count(1)
