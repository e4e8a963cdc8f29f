"""A person signs in, chooses a case of the library, watches the debate of a real model about its record, reads the
verdict, and an admin finds it stored."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.person import expect_finished, sign_in, start, transcript
from tests.e2e.site import Site
from tests.evidence.snapshots import APPLE_2012

pytestmark = [pytest.mark.e2e, pytest.mark.local_model]

SPEAKERS = ["Financial Analyst", "Market Context", "Risk Challenger"]


async def test_a_person_watches_a_debate_of_the_local_model(page: Page, local_site: Site) -> None:
    await sign_in(page, local_site)
    await page.locator(".history-cases summary").click()
    await page.get_by_role("button", name=APPLE_2012.label).click()
    await start(page, APPLE_2012.question, rounds=1)
    await expect(page.get_by_test_id("connection-status")).to_have_attribute("data-state", "live")
    # Word by word: a message is there while it is still being spoken.
    speaking = page.locator('[data-testid="agent-message"][data-state="speaking"]').first
    await expect(speaking).to_be_visible(timeout=60_000)

    await expect_finished(page)
    shown = await transcript(page)
    assert [agent for agent, _ in shown] == [*SPEAKERS, "Moderator"]
    assert all(len(text) > 40 for _, text in shown)
    await expect(page.get_by_test_id("verdict")).to_be_visible()
    # Each speech and the summary have figures, all of which are the record's.
    labels = await figures(page)
    assert len(labels) == len(shown)
    assert all(labels)
    assert {label for each in labels for label in each} <= {"matched", "derived"}, labels

    await page.reload()
    await expect_finished(page)
    await expect(page.get_by_test_id("verdict")).to_be_visible()
    assert await transcript(page) == shown

    await page.goto(f"{local_site.url}/admin/conversations/conversation/?q=Apple")
    await page.get_by_role("link", name=APPLE_2012.question).click()
    for speaker in SPEAKERS:
        await expect(page.get_by_text(speaker).first).to_be_visible()


async def figures(page: Page) -> list[list[str]]:
    """The labels of each message's figures."""
    reading = """async () => {
      const answer = await fetch("/api" + location.pathname);
      return (await answer.json()).transcript.messages.map((each) => each.figures.map((figure) => figure.label));
    }"""
    found: list[list[str]] = await page.evaluate(reading)
    return found
