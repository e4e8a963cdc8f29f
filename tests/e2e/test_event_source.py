"""Server-Sent Events by a browser's own EventSource, as docs/clients.md has it."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.person import sign_in
from tests.e2e.site import Site
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate
from tests.recipes import recipe

pytestmark = pytest.mark.e2e


async def test_an_event_source_hears_each_word_and_stops_at_the_end(
    live_site: Site, model: OpenAIServer, page: Page
) -> None:
    gate = Gate()
    model.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
    await sign_in(page, live_site)
    started = await page.evaluate(
        """async () => {
            const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
            const answer = await fetch("/api/conversations/", {
              method: "POST",
              headers: { "X-CSRFToken": token, "Content-Type": "application/json" },
              body: JSON.stringify({ topic: "Buy?", rounds: 1 }),
            });
            return (await answer.json()).id;
        }"""
    )
    await page.evaluate(
        f"(id) => {{ document.body.replaceChildren(); {recipe('EventSource (browser)')} globalThis.heard = events; }}",
        started,
    )
    gate.let()
    await expect(page.locator("body")).to_contain_text("One ")
    gate.open()
    # It asks once more after the end, and is told that there is nothing.
    await page.evaluate(
        """() => new Promise((closed) => heard.addEventListener(
            "error", () => heard.readyState === EventSource.CLOSED && closed()))"""
    )
    text = await page.evaluate("document.body.textContent")
    assert text.startswith("One two.")
    assert "Market Context speaks" in text
