"""The owner commands a debate, speaks to its panel and answers it; nobody who was away has lost a word."""

from collections.abc import Sequence
from typing import Literal

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, WebSocketRoute, expect

from tests.e2e.conftest import until_silent
from tests.e2e.person import expect_finished, give_credentials, sign_in, sign_out, start, transcript
from tests.e2e.proxy import line_to
from tests.e2e.site import Site
from tests.e2e.usable import HEIGHT, WIDTH, expect_usable
from tests.fakes.openai_server import Exchange, OpenAIServer
from tests.fakes.replies import asks, says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

TOPIC = "Is Tarnwick worth buying?"
WORDS = [f"word{number} " for number in range(1, 21)]
QUESTION = "Does your horizon end before August?"
# Longer than a look elsewhere.
AWAY = "01:00"


def message(page: Page, agent: str = "Financial Analyst") -> Locator:
    return page.locator(f'[data-testid="agent-message"][data-agent="{agent}"]')


async def expect_words(page: Page, count: int, agent: str = "Financial Analyst") -> None:
    """So many words stand on the page, and nothing else."""
    await expect(message(page, agent).locator(".prose")).to_have_text("".join(WORDS[:count]).strip())


async def expect_status(page: Page, status: str, words: str) -> None:
    shown = page.get_by_test_id("conversation-status")
    await expect(shown).to_have_attribute("data-status", status)
    await expect(shown).to_have_text(words)


async def expect_connection(page: Page, state: str) -> None:
    await expect(page.get_by_test_id("connection-status")).to_have_attribute("data-state", state)


def heard(exchange: Exchange) -> str:
    """All that the model was told when it was asked."""
    return "\n".join(str(said["content"]) for said in exchange.messages)


@pytest.fixture
def gate(model: OpenAIServer) -> Gate:
    """Lets the Financial Analyst go on, word by word."""
    gate = Gate()
    model.answer(says(*WORDS, gate=gate), to="Financial Analyst")
    return gate


@pytest.fixture
async def debate(page: Page, live_site: Site, gate: Gate) -> Page:
    """A debate of the owner's, whose first speaker has said three words."""
    await sign_in(page, live_site)
    await start(page, TOPIC, rounds=1)
    gate.let(3)
    await expect_words(page, 3)
    return page


async def test_a_debate_is_paused_and_goes_on_by_its_buttons(debate: Page, gate: Gate) -> None:
    await debate.get_by_test_id("control-pause").click()
    await expect_status(debate, "paused", "Paused")
    await expect(debate.get_by_test_id("control")).to_have_text("ada paused the debate.")
    # No agent is shown as speaking.
    await expect(debate.locator("[data-speaking]")).to_have_count(0)
    await expect(message(debate).get_by_text("Paused here.")).to_be_visible()
    gate.let(5)
    await gate.reached(9)
    await expect_words(debate, 3)

    await debate.get_by_test_id("control-resume").click()
    await expect_status(debate, "active", "Live")
    await expect(debate.get_by_test_id("control").last).to_have_text("ada resumed the debate.")
    await expect_words(debate, 8)
    gate.open()
    await expect_finished(debate)
    await expect_words(debate, len(WORDS))


async def test_a_debate_is_stopped_after_one_question_and_what_was_said_stays(
    context: BrowserContext, debate: Page
) -> None:
    other = await context.new_page()
    await other.goto(debate.url)
    stop, dialog = debate.get_by_test_id("control-stop"), debate.get_by_test_id("stop-dialog")
    await stop.click()
    await expect(dialog).to_contain_text("Stop this debate? The transcript is kept.")
    await debate.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(stop).to_be_focused()
    await expect_status(debate, "active", "Live")

    await stop.click()
    await dialog.get_by_role("button", name="Stop the debate").click()
    await expect_finished(debate, "cancelled")
    for page in (debate, other):
        await expect(page.get_by_test_id("control")).to_have_text("ada stopped the debate.")
        await expect(message(page)).to_have_attribute("data-state", "cut")
        await expect(message(page)).to_contain_text("Stopped mid-answer.")
        await expect_words(page, 3)
        await expect(page.get_by_test_id("controls")).to_have_count(0)
        await expect(page.get_by_label("Message the analysts")).to_have_count(0)
        await expect(page.get_by_test_id("after")).to_contain_text("This debate has ended.")
    shown = await transcript(debate)
    await debate.reload()
    await expect_finished(debate, "cancelled")
    assert await transcript(debate) == shown


async def test_buttons_and_words_work_where_only_ordinary_requests_do(
    context: BrowserContext, debate: Page
) -> None:
    cut_off = await context.new_page()

    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close(code=1013)

    await cut_off.route_web_socket("**/ws/**", refuse)
    await cut_off.goto(debate.url)
    await expect_connection(cut_off, "reconnecting")
    field = cut_off.get_by_label("Message the analysts")
    await field.fill("Through the window.")
    await field.press("Control+Enter")
    await expect(field).to_have_value("")
    await expect(debate.get_by_test_id("human-message")).to_contain_text("Through the window.")
    await cut_off.get_by_test_id("control-pause").click()
    await expect_status(debate, "paused", "Paused")


async def test_what_the_owner_says_is_answered_by_the_next_speaker(
    debate: Page, gate: Gate, model: OpenAIServer
) -> None:
    field = debate.get_by_label("Message the analysts")
    await field.fill("What about the price cap in the contract?")
    await field.press("Control+Enter")
    said = debate.get_by_test_id("human-message")
    await expect(said).to_have_text("ada What about the price cap in the contract?")
    await expect(field).to_have_value("")
    await expect(field).to_be_focused()
    gate.open()
    assert "price cap in the contract" in heard(await model.until_asked(2))
    await expect_finished(debate)
    await debate.reload()
    await expect(said).to_have_text("ada What about the price cap in the contract?")


async def test_a_question_is_answered_after_a_reload_and_other_devices_see_it(
    browser: Browser, page: Page, live_site: Site, model: OpenAIServer
) -> None:
    model.answer(asks(QUESTION, after=["Wait. "]), says("In June, then."), to="Financial Analyst")
    await sign_in(page, live_site)
    await start(page, TOPIC, rounds=1)
    question = page.get_by_test_id("input-request")
    await expect(question).to_contain_text("Question for you")
    await expect(question).to_contain_text(QUESTION)
    size: ViewportSize = {"width": WIDTH, "height": HEIGHT}
    phone = await (await browser.new_context(viewport=size, locale="en-GB")).new_page()
    await sign_in(phone, live_site)
    await phone.goto(page.url)
    await page.reload()
    for device in (page, phone):
        await expect_status(device, "awaiting_input", "Waiting for you")
        await expect(device.get_by_test_id("input-request")).to_have_attribute("data-state", "open")
        await expect(device.get_by_role("timer")).to_contain_text("left")
        await expect(device).to_have_title(f"(?) {TOPIC} · Outcry")
    await page.get_by_label("Your answer").fill("I sell in June.")
    await page.get_by_role("button", name="Answer").click()
    for device in (page, phone):
        await expect(device.get_by_test_id("input-request")).to_have_attribute("data-state", "answered")
        await expect(device.get_by_test_id("human-message")).to_have_text(
            "ada, to Financial Analyst I sell in June."
        )
        await expect(device.get_by_label("Your answer")).to_have_count(0)
        await expect_finished(device)
        await expect(device).to_have_title(f"{TOPIC} · Outcry")
    assert "I sell in June." in heard(model.asked[1])
    assert await transcript(page) == await transcript(phone)


async def test_a_line_that_is_cut_in_the_middle_of_a_word_costs_no_letter(
    page: Page, live_site: Site, model: OpenAIServer
) -> None:
    gate = Gate()
    model.answer(says("Tarn", "wick is ch", "eap 📈, s", "o b", "uy it.", gate=gate), to="Financial Analyst")
    said = message(page).locator(".prose")
    async with line_to(live_site) as (line, site):
        await sign_in(page, site)
        await start(page, TOPIC, rounds=1)
        gate.let(2)
        await expect(said).to_have_text("Tarnwick is ch")
        line.cut()
        gate.let(2)
        await gate.reached(5)
        await expect_connection(page, "reconnecting")
        await expect(said).to_have_text("Tarnwick is ch")
        line.mend()
        await expect(said).to_have_text("Tarnwick is cheap 📈, so b")
        gate.open()
        await expect_finished(page)
        await expect(said).to_have_text("Tarnwick is cheap 📈, so buy it.")


async def test_who_is_offline_is_told_so_and_is_back_as_soon_as_the_network_is(
    page: Page, live_site: Site, gate: Gate
) -> None:
    async with line_to(live_site) as (line, site):
        await sign_in(page, site)
        await start(page, TOPIC, rounds=1)
        gate.let(3)
        await expect_words(page, 3)
        await page.context.set_offline(True)
        line.cut()
        status = page.get_by_test_id("connection-status")
        await expect(status).to_have_text("Offline")
        await page.get_by_label("Message the analysts").fill("Mind the debt.")
        await page.get_by_test_id("composer-send").click()
        await expect(page.get_by_test_id("composer-waiting")).to_contain_text("Not sent yet.")
        await expect(page.get_by_test_id("composer-problem")).to_be_empty()
        gate.let(4)
        await gate.reached(8)
        line.mend()
        await page.context.set_offline(False)
        await expect(page.get_by_test_id("human-message")).to_have_text("ada Mind the debt.")
        await expect(page.get_by_label("Message the analysts")).to_have_value("")
        await expect(status).to_have_text("")
        await expect_words(page, 7)
        gate.open()
        await expect_finished(page)
        await expect_words(page, len(WORDS))


async def test_after_a_lost_connection_what_was_missed_is_marked_and_in_view(
    page: Page, live_site: Site, gate: Gate, model: OpenAIServer
) -> None:
    model.default = says(*["A long paragraph, so that the page is longer than the window. "] * 40)
    async with line_to(live_site) as (line, site):
        await page.clock.install()
        await sign_in(page, site)
        await start(page, TOPIC, rounds=1)
        gate.let(3)
        await expect_words(page, 3)
        line.cut()
        await expect_connection(page, "reconnecting")
        await page.clock.fast_forward(AWAY)
        gate.open()
        # The page comes back to a debate that has ended: what is missed does not grow while it is counted.
        await until_silent(live_site)
        line.mend()
        await page.clock.fast_forward("00:15")
        await expect_finished(page)
        divider = page.get_by_test_id("missed-divider")
        # The moderator's message and the verdict are one.
        await expect(divider).to_have_text("4 messages while you were away")
        await expect(divider).to_be_in_viewport()
        await expect(page.get_by_test_id("verdict")).not_to_be_in_viewport()
        await expect(page.get_by_test_id("announcements")).to_contain_text("4 messages while you were away.")
        assert await _before(divider) == "Financial Analyst"
        await page.get_by_test_id("missed-dismiss").click()
        await expect(divider).to_have_count(0)


async def _before(divider: Locator) -> str | None:
    """The author of the message after the marker."""
    agent: str | None = await divider.evaluate(
        "line => [...document.querySelectorAll('outcry-message')].find(message =>"
        " line.compareDocumentPosition(message) & Node.DOCUMENT_POSITION_FOLLOWING).dataset.agent"
    )
    return agent


async def test_what_came_into_a_hidden_tab_is_marked_when_it_is_shown(
    page: Page, live_site: Site, gate: Gate, model: OpenAIServer
) -> None:
    held = Gate()
    model.answer(says(*WORDS, gate=held), to="Risk Challenger")
    await page.clock.install()
    await sign_in(page, live_site)
    await start(page, TOPIC, rounds=1)
    gate.open()
    await expect(message(page, "Market Context")).to_have_attribute("data-state", "done")
    await _hide(page, hidden=True)
    await page.clock.fast_forward(AWAY)
    held.open()
    await expect_finished(page)
    await _hide(page, hidden=False)
    divider = page.get_by_test_id("missed-divider")
    await expect(divider).to_have_text("2 messages while you were away")
    assert await _before(divider) == "Risk Challenger"


async def _hide(page: Page, *, hidden: bool) -> None:
    """Send the page's visibility event: a tab without a window is always visible."""
    await page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


async def test_who_is_signed_out_is_led_to_sign_in_and_goes_on_where_it_stood(
    context: BrowserContext, debate: Page, live_site: Site, gate: Gate
) -> None:
    address = debate.url
    other = await context.new_page()
    await other.goto(live_site.url)
    await sign_out(other)
    # A command is no way around it. Forced: the button may be disabled already.
    pause = debate.get_by_test_id("control-pause")
    await pause.click(force=True)
    ended = debate.get_by_test_id("connection-ended")
    await expect(ended).to_contain_text("Signed out")
    # Nothing looks as if it still ran.
    await expect(pause).to_have_attribute("aria-disabled", "true")
    await expect(debate.locator("[data-speaking]")).to_have_count(0)
    await expect_words(debate, 3)
    gate.let(3)
    await gate.reached(7)
    await ended.get_by_role("link").click()
    await give_credentials(debate, live_site)
    await debate.wait_for_url(address)
    await expect_words(debate, 6)
    gate.open()
    await expect_finished(debate)
    await expect_words(debate, len(WORDS))


async def test_an_operators_notice_is_shown_and_dismissed(debate: Page, live_site: Site) -> None:
    texts = ["<b>Markets</b> close at six.", "We are back at seven."]
    await _broadcast(debate, live_site, texts)
    notices = debate.get_by_test_id("notice")
    await expect(notices).to_have_text([f"Notice from the operator {text}" for text in texts])
    await debate.get_by_role("button", name=f"Dismiss: {texts[0]}").click()
    await expect(notices).to_have_text([f"Notice from the operator {texts[1]}"])


async def _broadcast(page: Page, site: Site, texts: Sequence[str]) -> None:
    token = await page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    for text in texts:
        answer = await page.request.post(
            f"{site.url}/api/streaming/broadcast",
            data={"text": text},
            headers={"X-CSRFToken": token, "Referer": site.url},
        )
        assert answer.ok, await answer.text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_can_be_reached_by_everybody_on_a_phone(
    browser: Browser, live_site: Site, gate: Gate, model: OpenAIServer, scheme: Literal["light", "dark"]
) -> None:
    model.answer(asks(QUESTION), to="Risk Challenger")
    context = await browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme, has_touch=True, is_mobile=True
    )
    page = await context.new_page()
    await page.emulate_media(reduced_motion="reduce")
    await sign_in(page, live_site)
    await start(page, TOPIC, rounds=1)
    gate.let(3)
    await expect_words(page, 3)
    await page.get_by_test_id("control-pause").click()
    await expect_status(page, "paused", "Paused")
    await _broadcast(page, live_site, ["Antidisestablishmentarianism-without-a-hyphenation-opportunity " * 4])
    await expect(page.get_by_test_id("notice")).to_be_visible()
    await expect_usable(page)
    await page.get_by_test_id("control-stop").click()
    await expect(page.get_by_test_id("stop-dialog")).to_be_visible()
    await expect_usable(page)
    await page.get_by_test_id("stop-not").click()

    await page.get_by_test_id("control-resume").click()
    gate.open()
    await expect_status(page, "awaiting_input", "Waiting for you")
    await page.get_by_label("Your answer").scroll_into_view_if_needed()
    # However far down they have read, they see how it stands.
    for hook in ("conversation-status", "round", "control-pause", "control-stop"):
        await expect(page.get_by_test_id(hook)).to_be_in_viewport()
    await expect_usable(page)
    await page.get_by_label("Your answer").fill("x" * 4_001)
    await expect(page.get_by_role("alert").filter(has_text="too long")).to_be_visible()
    await expect_usable(page)
    await page.get_by_label("Your answer").fill("No.")
    await page.get_by_role("button", name="Answer").click()
    await expect_finished(page)
    await expect_usable(page)
