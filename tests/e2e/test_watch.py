"""The page of a debate follows new words alone, ends at the verdict, and keeps the focus."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.person import expect_finished, sign_in, start
from tests.e2e.site import Site
from tests.e2e.usable import HEIGHT, WIDTH, violations
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

TOPIC = "Is Tarnwick worth buying?"
PARAGRAPH = "Revenue grew, and free cash flow covers the dividend twice. " * 8 + "\n\n"
# The sum of all shifts, which is at least as much as the figure that browsers report. Above 0.1 it is noticed.
_OBSERVE = """
    window.shifted = 0;
    window.moved = [];
    const add = entries => {
        for (const { hadRecentInput, startTime, value, sources } of entries) {
            if (hadRecentInput) continue;
            window.shifted += value;
            moved.push([startTime, value, ...sources.map(({ node }) => node?.outerHTML?.slice(0, 80))]);
        }
    };
    window.shifts = new PerformanceObserver(list => add(list.getEntries()));
    shifts.observe({ type: "layout-shift", buffered: true });
    window.drawn = async () => {
        await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        add(shifts.takeRecords());
        return shifted;
    };
"""


async def shifted(page: Page) -> float:
    """The sum once what has changed is drawn."""
    amount: float = await page.evaluate("drawn()")
    return amount


async def top(element: Locator) -> float:
    """Pixels between the window's top and the element's."""
    y: float = await element.evaluate("element => element.getBoundingClientRect().top")
    return y


async def expect_at_top(card: Locator, below: str) -> None:
    """The card begins under what stays at the window's top."""
    edge = await card.page.locator(below).evaluate("element => element.getBoundingClientRect().bottom")
    await expect(card).to_be_in_viewport()
    assert edge <= await top(card) < edge + 120


async def test_page_when_watched_to_the_end_shows_the_verdict(
    page: Page, live_site: Site, model: OpenAIServer
) -> None:
    gate = Gate()
    model.answer(says(*[PARAGRAPH] * 8, gate=gate), to="Financial Analyst")
    model.answer(says(*[PARAGRAPH] * 3), to="Risk Challenger")
    await page.add_init_script(_OBSERVE)
    await page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    await sign_in(page, live_site)
    await start(page, TOPIC, content="Revenue grew.\n" * 300, rounds=1)
    status = page.get_by_test_id("conversation-status")
    said = page.locator(".prose p")
    gate.let(1)
    await expect(said).to_have_count(1)
    await expect(status).to_have_text("Live")

    gate.let(5)
    await expect(said).to_have_count(6)
    await page.evaluate("scrollTo(0, 0)")
    await page.get_by_test_id("jump-to-newest").click()
    await expect(page.get_by_test_id("jump-to-newest")).to_be_hidden()
    gate.open()
    await expect_finished(page)
    await expect(status).to_have_text("Complete")
    card = page.get_by_test_id("verdict")
    await expect_at_top(card, ".status-row")
    await expect(page.get_by_test_id("jump-to-newest")).to_be_hidden()
    assert await shifted(page) < 0.1, await page.evaluate("moved")

    # Opened again, it begins with the verdict.
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.goto(page.url)
    await expect_finished(page)
    await expect_at_top(card, ".question")
    await page.get_by_test_id("outline").get_by_text("Risk Challenger").click()
    await expect_at_top(page.locator('[data-agent="Risk Challenger"]'), ".masthead")
    assert await shifted(page) < 0.1
    assert await violations(page) == []
    await expect_complete_on_paper(page)

    # Its transcript in the administration, and the list.
    await page.get_by_test_id("run-details").locator("summary").click()
    await page.get_by_test_id("review-link").click()
    await expect(page.get_by_role("link", name="Raw log")).to_be_visible()
    assert await violations(page) == []
    await page.goto(f"{live_site.url}/admin/conversations/conversation/")
    await expect(page.get_by_role("link", name=TOPIC).first).to_be_visible()
    assert await violations(page) == []


async def test_what_a_reader_opens_stays_where_it_is_whatever_is_said_meanwhile(
    page: Page, live_site: Site, model: OpenAIServer
) -> None:
    gate = Gate()
    model.answer(says(*[PARAGRAPH] * 6, gate=gate), to="Financial Analyst")
    await page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    await sign_in(page, live_site)
    await start(page, TOPIC, content="Revenue grew.\n" * 300, rounds=1)
    said = page.locator(".prose p")
    gate.let(1)
    await expect(said).to_have_count(1)

    sources = page.locator("details.material")
    await sources.locator("summary").click()
    before = await top(sources)
    gate.let(4)
    await expect(said).to_have_count(5)
    assert await top(sources) == before


async def expect_complete_on_paper(page: Page) -> None:
    """The verdict before the transcript, who asked and which model answered; nothing to press."""
    await page.emulate_media(media="print")
    await expect(page.locator(".on-paper").first).to_contain_text("Asked by ada")
    assert await top(page.get_by_test_id("verdict")) < await top(page.locator("outcry-message").first)
    await expect(page.get_by_test_id("after")).to_be_hidden()
    await expect(page.get_by_test_id("copy-message").first).to_be_hidden()
    await page.emulate_media(media="screen")


async def test_focus_when_a_debate_is_controlled_by_the_keyboard_is_kept(
    page: Page, live_site: Site, model: OpenAIServer
) -> None:
    gate = Gate()
    model.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    await sign_in(page, live_site)
    await start(page, TOPIC, rounds=1)
    gate.let(1)
    status = page.get_by_test_id("conversation-status")
    await page.get_by_test_id("control-pause").press("Enter")
    await expect(status).to_have_text("Paused")
    await expect(page.get_by_test_id("control-resume")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(status).to_have_text("Live")
    await expect(page.get_by_test_id("control-pause")).to_be_focused()
    await page.get_by_test_id("control-stop").press("Enter")
    await page.get_by_test_id("stop-confirm").press("Enter")
    await expect(status).to_have_text("Stopped")
    await expect(page.get_by_test_id("stop-reason")).to_have_text("By ada")
    await expect(status).to_be_focused()
