"""Server-Sent Events by a browser's own EventSource, as docs/clients.md has it."""

import pytest
from playwright.async_api import Page, Request, expect

from tests.e2e.person import post, sign_in
from tests.e2e.proxy import line_to
from tests.e2e.site import Site
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate
from tests.support.recipes import recipe

pytestmark = pytest.mark.e2e


START = {"topic": "Buy?", "rounds": 1}
FOLLOW = f"(id) => {{ document.body.replaceChildren(); {recipe('EventSource (browser)')} globalThis.heard = events; }}"
# It asks once more after the end, and is told that there is nothing.
UNTIL_CLOSED = """() => new Promise((closed) => heard.addEventListener(
    "error", () => heard.readyState === EventSource.CLOSED && closed()))"""


async def test_an_event_source_hears_each_word_and_stops_at_the_end(
    live_site: Site, model: OpenAIServer, page: Page
) -> None:
    gate = Gate()
    model.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    await sign_in(page, live_site)
    await page.evaluate(FOLLOW, await post(page, "", START))
    gate.let()
    await expect(page.locator("body")).to_contain_text("One ")
    gate.open()
    await page.evaluate(UNTIL_CLOSED)
    text = await page.evaluate("document.body.textContent")
    assert text.startswith("One two.")
    assert "Market Context speaks" in text


async def test_a_line_that_breaks_in_mid_debate_costs_no_word_and_repeats_none(
    live_site: Site, model: OpenAIServer, page: Page
) -> None:
    """Nothing but the browser itself comes back, from the last id that it had."""
    gate = Gate()
    words = [f"word{number} " for number in range(1, 41)]
    model.answer(says(*words, gate=gate), to="Financial Analyst")
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if request.url.endswith("/stream") else None)
    async with line_to(live_site) as (line, site):
        await sign_in(page, site)
        await page.evaluate(FOLLOW, await post(page, "", START))
        gate.let(10)
        await expect(page.locator("body")).to_have_text("".join(words[:10]).strip())
        line.cut()
        gate.let(10)
        # Ten have been spoken that nobody could hear.
        await gate.reached(21)
        line.mend()
        await expect(page.locator("body")).to_have_text("".join(words[:20]).strip())
        gate.open()
        await page.evaluate(UNTIL_CLOSED)
    text = await page.evaluate("document.body.textContent")
    assert text.startswith("".join(words).strip())
    assert [text.count(f"{word}") for word in words] == [1] * len(words)
    first, *again = [(await request.all_headers()).get("last-event-id") for request in asked]
    assert first is None
    assert again
    assert all(cursor is not None and int(cursor) > 0 for cursor in again)
