"""The operators' page: live numbers, a word to everybody, and a stream that is tried by hand."""

import re
from typing import Literal

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.e2e.person import sign_in, sign_up, start
from tests.e2e.site import Site
from tests.e2e.usable import HEIGHT, WIDTH, expect_usable
from tests.e2e.watchman import Watchman
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

WORDS = [f"word{number} " for number in range(1, 41)]


@pytest.fixture
def gate(model: OpenAIServer) -> Gate:
    """Lets the Financial Analyst go on, word by word."""
    gate = Gate()
    model.answer(says(*WORDS, gate=gate), to="Financial Analyst")
    return gate


async def open_monitor(page: Page, site: Site) -> None:
    """By the menu, as an operator does."""
    await page.goto(site.url)
    await page.get_by_test_id("account-menu").click()
    await page.get_by_role("link", name="Monitor").click()
    await expect(page.get_by_role("heading", name="Monitor", level=1)).to_be_visible()
    await expect(page.get_by_test_id("gauge-connections")).to_be_visible()


async def try_stream(page: Page, topic: str = "Is Tarnwick worth buying?") -> None:
    await page.get_by_test_id("stream-tester-topic").fill(topic)
    await page.get_by_test_id("stream-tester-start").click()
    await expect(page.get_by_test_id("stream-tester-state-count")).to_contain_text("Connected")


async def test_who_watches_is_seen_while_they_watch(
    context: BrowserContext, page: Page, live_site: Site, gate: Gate
) -> None:
    watchman = Watchman()
    watchman.look_at(context)
    await sign_in(page, live_site)
    await start(page, "Is Tarnwick worth buying?", rounds=1)
    debate = page.url
    monitor = await context.new_page()
    await open_monitor(monitor, live_site)
    await expect(monitor.get_by_test_id("gauge-connections").locator(".value")).to_have_text("1")

    gate.let(5)
    await expect(page.locator(".prose").first).to_contain_text("word5")
    row = monitor.get_by_test_id("session")
    await expect(row).to_contain_text(live_site.username)
    await expect(row).to_have_attribute("data-state", "streaming")
    await expect(row.get_by_role("link")).to_have_attribute("href", debate.removeprefix(live_site.url))
    await expect(monitor.get_by_test_id("gauge-latency")).to_contain_text("From model to paint")
    await expect(monitor.get_by_test_id("gauge-latency").locator(".value")).to_contain_text(
        re.compile(r"\d m?s$")
    )
    models = monitor.get_by_test_id("models")
    await expect(models).to_contain_text("stand-in · openai-compatible")
    await expect(models).to_contain_text(re.compile(r"\d m?s"))
    await expect(monitor.get_by_test_id("gauge-today").locator(".value")).to_have_text(re.compile(r"^[1-9]"))
    await expect(monitor.get_by_test_id("days").get_by_role("row")).to_have_count(15)
    # A sample is taken every five seconds, of which the chart and its table tell.
    chart = monitor.get_by_test_id("chart-connections")
    await expect(chart.get_by_role("img")).to_have_attribute("aria-label", re.compile("Connected: now 1"))
    await chart.get_by_text("As a table").click()
    await expect(chart.get_by_role("row").nth(1)).to_contain_text("1")

    await page.close()
    await expect(monitor.get_by_text("No clients are connected to this process.")).to_be_visible()
    gate.open()
    assert watchman.happened == []
    assert watchman.elsewhere(live_site.url) == []


async def test_everybody_who_watches_hears_a_broadcast(
    context: BrowserContext, page: Page, live_site: Site, gate: Gate
) -> None:
    await sign_in(page, live_site)
    await start(page, "Is Tarnwick worth buying?", rounds=1)
    await expect(page.get_by_test_id("connection-status")).to_have_attribute("data-state", "live")
    monitor = await context.new_page()
    await open_monitor(monitor, live_site)
    await monitor.get_by_test_id("broadcast-send").click()
    await expect(monitor.get_by_text("Enter a message.")).to_be_visible()
    await monitor.get_by_test_id("broadcast-text").fill("x" * 1001)
    await monitor.get_by_test_id("broadcast-send").click()
    await expect(monitor.get_by_text("1 characters too long")).to_be_visible()

    await monitor.get_by_test_id("broadcast-text").fill("We restart at <b>noon</b>.")
    await monitor.get_by_test_id("broadcast-send").click()
    await expect(monitor.get_by_test_id("broadcast-sent")).to_contain_text("Sent at")
    await expect(monitor.get_by_test_id("broadcast-text")).to_have_value("")
    await expect(page.get_by_test_id("notice")).to_contain_text("We restart at <b>noon</b>.")
    gate.open()


async def test_a_stream_is_tried_held_let_go_and_stopped(page: Page, live_site: Site, gate: Gate) -> None:
    await sign_in(page, live_site)
    await open_monitor(page, live_site)
    await page.get_by_test_id("stream-tester-start").click()
    await expect(page.get_by_test_id("stream-tester-problem")).to_have_text("Enter a question.")
    await try_stream(page)
    log = page.get_by_test_id("stream-tester-log")
    gate.let(3)
    await expect(log.locator("li").last).to_contain_text("word3")
    await expect(page.get_by_test_id("stream-tester-tokens-count")).to_have_text("3")

    await page.get_by_test_id("stream-tester-pause").click()
    await expect(page.get_by_test_id("stream-tester-state-count")).to_contain_text("Paused")
    gate.let(3)
    await gate.reached(7)
    await expect(page.get_by_test_id("session")).to_have_attribute("data-state", "paused")
    await expect(page.get_by_test_id("stream-tester-tokens-count")).to_have_text("3")
    await page.get_by_test_id("stream-tester-resume").click()
    await expect(log).to_contain_text("word6")
    await expect(page.get_by_test_id("stream-tester-tokens-count")).to_have_text("6")

    await page.get_by_test_id("stream-tester-stop").click()
    await expect(page.get_by_test_id("stream-tester-state-count")).to_have_text("Closed")
    await expect(log.locator('[data-type="status"]').last).to_contain_text("cancelled")
    await expect(page.get_by_test_id("stream-tester-start")).to_be_enabled()
    await page.get_by_role("link", name="Open the debate").click()
    await expect(page.get_by_test_id("conversation-status")).to_have_attribute("data-status", "cancelled")


async def test_a_server_that_does_not_answer_is_said_not_to(page: Page, live_site: Site) -> None:
    await sign_in(page, live_site)
    await open_monitor(page, live_site)
    await page.route("**/api/streaming/**", lambda route: route.abort())
    trouble = page.get_by_test_id("trouble")
    await expect(trouble).to_contain_text(
        re.compile(r"does not answer\. These figures are from \d\d:\d\d:\d\d")
    )
    await page.unroute("**/api/streaming/**")
    await expect(trouble).to_be_empty()

    # Signed out in another tab.
    await page.context.clear_cookies()
    await expect(trouble).to_contain_text("You are signed out.")
    await trouble.get_by_role("link").click()
    await expect(page.get_by_label("Password", exact=False).first).to_be_visible()


async def test_it_is_nobody_elses(page: Page, live_site: Site) -> None:
    await sign_up(page, live_site, "mallory")
    await page.get_by_test_id("account-menu").click()
    await expect(page.get_by_role("link", name="Monitor")).to_have_count(0)
    answer = await page.goto(f"{live_site.url}/monitor/")
    assert answer is not None
    assert answer.status == 403
    await expect(page.get_by_role("heading", level=1)).to_have_text("Access denied")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_and_can_be_used_by_everybody(
    browser: Browser, live_site: Site, gate: Gate, scheme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme, has_touch=True, is_mobile=True
    )
    page = await context.new_page()
    await page.emulate_media(reduced_motion="reduce")
    await sign_in(page, live_site)
    await open_monitor(page, live_site)
    await expect_usable(page)
    await try_stream(page)
    gate.let(2)
    await expect(page.get_by_test_id("stream-tester-log")).to_contain_text("word2")
    await expect(page.get_by_test_id("session")).to_be_visible()
    await page.get_by_test_id("broadcast-send").click()
    await page.get_by_text("As a table").first.click()
    await expect_usable(page)
    await page.route("**/api/streaming/**", lambda route: route.abort())
    await expect(page.get_by_test_id("trouble")).not_to_be_empty()
    await expect_usable(page)
    await page.get_by_test_id("stream-tester-stop").click()
    await expect(page.get_by_test_id("stream-tester-state-count")).to_have_text("Closed")
