"""A debate is watched while it happens: by several tabs, over lines that break, and across the server's restarts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, WebSocket, expect

from scripts.ports import free_port
from tests.e2e.conftest import spoken_by
from tests.e2e.person import expect_finished, sign_in, sign_up, start, transcript
from tests.e2e.proxy import line_to
from tests.e2e.site import Site, running_beside
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

TOPIC = "Is Tarnwick worth buying?"
WORDS = [f"word{number} " for number in range(1, 41)]
DEBATE = ["Financial Analyst", "Market Context", "Risk Challenger", "Moderator"]


def said(page: Page, agent: str = "Financial Analyst") -> Locator:
    return page.locator(f'[data-testid="agent-message"][data-agent="{agent}"] .prose')


async def expect_words(page: Page, count: int, agent: str = "Financial Analyst") -> None:
    """So many words stand on the page, and nothing else."""
    await expect(said(page, agent)).to_have_text("".join(WORDS[:count]).strip())


async def expect_connection(page: Page, state: str) -> None:
    await expect(page.get_by_test_id("connection-status")).to_have_attribute("data-state", state)


@pytest.fixture
def gate(model: OpenAIServer) -> Gate:
    """Lets the Financial Analyst go on, word by word."""
    gate = Gate()
    model.answer(says(*WORDS, gate=gate), to="Financial Analyst")
    return gate


async def test_words_appear_while_they_are_spoken(page: Page, live_site: Site, gate: Gate) -> None:
    await sign_in(page, live_site)
    await start(page, TOPIC, rounds=1)
    for count in range(1, 6):
        gate.let(1)
        await expect_words(page, count)
        await expect(said(page)).to_have_attribute("data-speaking", "")
        await expect(page.get_by_test_id("conversation-status")).to_have_attribute("data-status", "active")
    gate.open()
    await expect_finished(page)
    await expect_words(page, len(WORDS))
    assert [agent for agent, _ in await transcript(page)] == DEBATE


async def test_every_tab_shows_the_same_words_however_late_it_comes(
    context: BrowserContext, page: Page, live_site: Site, gate: Gate
) -> None:
    await sign_in(page, live_site)
    await start(page, TOPIC, rounds=1)
    second = await context.new_page()
    await second.goto(page.url)
    gate.let(5)
    await expect_words(page, 5)
    await expect_words(second, 5)
    late = await context.new_page()
    await late.goto(page.url)
    await expect_words(late, 5)
    gate.let(5)
    tabs = (page, second, late)
    for tab in tabs:
        await expect_words(tab, 10)
    gate.open()
    for tab in tabs:
        await expect_finished(tab)
        await expect(tab.get_by_test_id("verdict")).to_be_visible()
    assert await transcript(page) == await transcript(second) == await transcript(late)


async def test_a_debate_goes_on_when_nobody_watches(
    context: BrowserContext, page: Page, live_site: Site, gate: Gate, model: OpenAIServer
) -> None:
    await sign_in(page, live_site)
    await start(page, TOPIC, rounds=1)
    gate.let(3)
    await expect_words(page, 3)
    address = page.url
    await page.close()
    gate.open()
    await model.until_asked(len(DEBATE))
    await model.changed.until(lambda: model.asked[-1].finished)
    assert [exchange.agent for exchange in model.asked] == DEBATE
    later = await context.new_page()
    await later.goto(address)
    await expect_finished(later)
    await expect_words(later, len(WORDS))
    assert [agent for agent, _ in await transcript(later)] == DEBATE


async def test_a_line_that_breaks_in_mid_message_costs_no_word_and_repeats_none(
    page: Page, live_site: Site, gate: Gate
) -> None:
    async with line_to(live_site) as (line, site):
        received = _received(page)
        await sign_in(page, site)
        await start(page, TOPIC, rounds=1)
        drawn = await page.evaluate(DRAWN)
        gate.let(4)
        await expect_words(page, 4)
        await expect_connection(page, "live")

        line.cut()
        await expect_connection(page, "reconnecting")
        # Earlier words stay on the page; words spoken in the meantime arrive later.
        gate.let(6)
        await gate.reached(11)
        await expect_words(page, 4)

        line.mend()
        await expect_connection(page, "live")
        await expect_words(page, 10)
        gate.open()
        await expect_finished(page)
        await expect_words(page, len(WORDS))
        # It went on from its cursor: over both connections together, every event came once.
        assert received == list(range(drawn + 1, drawn + len(received) + 1))
        shown = await transcript(page)
        await page.reload()
        await expect_finished(page)
        assert await transcript(page) == shown


# The seq of the last event that the page came with.
DRAWN = 'JSON.parse(document.getElementById("debate").textContent).events.at(-1)?.seq ?? 0'


def _received(page: Page) -> Sequence[int]:
    """The seq of each event that the page will receive, in order. A frame may stand for several events."""
    received: list[int] = []

    def take(frame: str | bytes) -> None:
        event: dict[str, Any] = json.loads(frame)
        if event["seq"] is not None:
            received.extend(range(event.get("after", event["seq"] - 1) + 1, event["seq"] + 1))

    def watch(socket: WebSocket) -> None:
        socket.on("framereceived", take)

    page.on("websocket", watch)
    return received


async def test_a_debate_survives_a_restart_of_the_server(
    page: Page, model: OpenAIServer, model_port: int, tmp_path: Path
) -> None:
    gate, port = Gate(), free_port()
    model.answer(says(*WORDS, gate=gate), to="Market Context")
    async with running_beside(tmp_path, spoken_by(model_port), port) as site:
        await sign_in(page, site)
        await start(page, TOPIC, rounds=1)
        gate.let(3)
        await expect_words(page, 3, "Market Context")
    await expect_connection(page, "reconnecting")
    await expect_words(page, 3, "Market Context")

    async with running_beside(tmp_path, spoken_by(model_port), port):
        await expect_finished(page)
        # The first speaker's turn stands; the second's was cut, and is spoken again.
        assert [exchange.agent for exchange in model.asked] == [*DEBATE[:2], *DEBATE[1:]]
        messages = page.get_by_test_id("agent-message")
        states = [await message.get_attribute("data-state") for message in await messages.all()]
        shown = await transcript(page)
        assert [agent for agent, _ in shown] == DEBATE
        assert states == ["done"] * 4
        await expect(page.get_by_test_id("discarded")).to_have_attribute("data-agent", "Market Context")
        await expect(page.get_by_test_id("verdict")).to_be_visible()
        await page.reload()
        await expect_finished(page)
        assert await transcript(page) == shown


async def test_nobody_else_sees_it(browser: Browser, page: Page, live_site: Site, gate: Gate) -> None:
    await sign_in(page, live_site)
    await start(page, TOPIC, rounds=1)
    gate.let(3)
    await expect_words(page, 3)
    path = page.url.removeprefix(live_site.url)

    stranger = await (await browser.new_context()).new_page()
    await stranger.goto(live_site.url)
    assert await _closed_with(stranger, f"/ws{path}") == 4401

    await sign_up(stranger, live_site, f"stranger{live_site.process.pid}")
    await expect(stranger.get_by_text(TOPIC)).to_have_count(0)
    assert await _closed_with(stranger, f"/ws{path}") == 4404
    answer = await stranger.goto(page.url)
    assert answer is not None
    assert answer.status == 404
    await expect(stranger.get_by_text(TOPIC)).to_have_count(0)
    gate.open()
    await expect_finished(page)


async def _closed_with(page: Page, path: str) -> int:
    """The code that the server closes a WebSocket of this page with. A message on it is an error."""
    code: int = await page.evaluate(
        """path => new Promise((resolve, reject) => {
            const socket = new WebSocket(path);
            socket.onmessage = ({ data }) => reject(new Error(data));
            socket.onclose = ({ code }) => resolve(code);
        })""",
        path,
    )
    return code
