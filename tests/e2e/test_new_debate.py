"""What a person puts into a new debate: files, options, and a draft that is not lost."""

import re

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.e2e.person import (
    expect_finished,
    give_credentials,
    open_options,
    paste,
    post,
    sign_in,
    sign_out,
    sign_up,
)
from tests.e2e.site import Site
from tests.e2e.usable import HEIGHT, WIDTH, expect_usable, violations
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

REPORT: FilePayload = {
    "name": "The annual report of Halden Robotics, audited: report.md",
    "mimeType": "text/markdown",
    "buffer": b"# Margins fell.\n\nTo 21 %.",
}
TABLE: FilePayload = {
    "name": "figures.csv",
    "mimeType": "text/csv",
    "buffer": b"day,revenue\n03/04/2024,412.50\n05/06/2024,430.10\n",
}
BROKEN: FilePayload = {"name": "broken.csv", "mimeType": "text/csv", "buffer": b"a,b\n1\n"}
# A busy machine needs so many milliseconds to load a table.
READ = 30_000
QUESTION = "Why did the margins fall?"


async def expect_draft(page: Page) -> None:
    await expect(page.get_by_test_id("content-input")).to_have_value(QUESTION)
    await expect(page.get_by_test_id("source")).to_have_text(
        [re.compile("Pasted text"), re.compile(r"report\.md")]
    )
    await expect(page.get_by_test_id("rounds-input")).to_have_value("1")
    await expect(page.get_by_test_id("dataset")).to_contain_text("2 rows, 2 columns")


async def drop(page: Page, file: FilePayload) -> None:
    """Drag a file over the page, and drop it."""
    dragging = """([name, type, text]) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([text], name, { type }));
      return dataTransfer;
    }"""
    described = [file["name"], file["mimeType"], file["buffer"].decode()]
    dragged = {"dataTransfer": await page.evaluate_handle(dragging, described)}
    await page.dispatch_event("h1", "dragover", dragged)
    await expect(page.locator("[data-dragged-over]")).to_be_visible()
    await page.dispatch_event("h1", "drop", dragged)
    await expect(page.locator("[data-dragged-over]")).to_have_count(0)


async def enter(page: Page, site: Site, name: str) -> None:
    await give_credentials(page, site, name=name)
    await expect(page.get_by_test_id("start-conversation")).to_be_visible()


async def test_a_draft_with_its_files_is_kept_for_its_author_until_the_start(
    page: Page, demo_site: Site
) -> None:
    await sign_up(page, demo_site, "dora")
    await page.get_by_test_id("source-files").set_input_files([REPORT, BROKEN])
    await drop(page, TABLE)
    sources = page.get_by_test_id("source")
    await expect(sources.first).to_have_text(re.compile(r"report\.md\s+\d+ characters"))
    await expect(sources.last).to_contain_text("broken.csv")
    await expect(sources.last.get_by_role("alert")).to_have_text(
        "Line 2 should have 2 columns, as the first line has, not 1."
    )
    # Tables show how their columns were read, and a person corrects it.
    tables = page.get_by_test_id("dataset")
    await tables.get_by_text("2 rows, 2 columns").click(timeout=READ)
    await expect(tables).to_contain_text("the file does not tell day from month")
    await tables.get_by_label("Type of day").select_option("Date, 31/12/2024")
    await expect(tables.get_by_role("cell", name="2024-04-03")).to_be_visible(timeout=READ)
    await expect(tables.get_by_label("Type of day")).to_have_value("datedmy")
    await tables.get_by_label("Type of revenue").select_option("Whole number")
    await expect(tables.get_by_role("alert")).to_have_text(
        "Line 2, column “revenue”: “412.50” is not a whole number.", timeout=READ
    )
    await expect(tables.get_by_label("Type of revenue")).to_have_value("decimal.")
    await page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    await expect_usable(page)
    await sources.last.get_by_role("button", name="Remove broken.csv").click()
    # Without a question, it is taken from the source.
    await expect(page.get_by_test_id("topic-input")).to_have_value("Margins fell.")
    await page.get_by_test_id("content-input").fill(QUESTION)
    await expect(page.get_by_test_id("topic-input")).to_be_hidden()
    await paste(page, "Costs rose.\nPrices did not.")
    await open_options(page)
    await page.get_by_test_id("rounds-input").fill("1")
    await expect(page.get_by_test_id("chosen")).to_contain_text("1 round")
    await _expect_no_record_of_what_is_unknown(page)
    await page.reload()
    await expect_draft(page)

    # The session has ended: after signing in, everything is there.
    await page.context.clear_cookies(name="sessionid")
    await page.get_by_test_id("start-conversation").click()
    await enter(page, demo_site, "dora")
    await expect_draft(page)

    # The same if somebody has signed in meanwhile, here in another tab.
    other = await page.context.new_page()
    await other.goto(demo_site.url)
    await sign_out(other)
    await enter(other, demo_site, "dora")
    async with page.expect_navigation():
        await page.get_by_test_id("start-conversation").click()
    await expect_draft(page)

    await sign_out(page)
    await sign_up(page, demo_site, "dan")
    await expect(page.get_by_test_id("content-input")).to_have_value("")
    await expect(sources).to_have_count(0)
    await sign_out(page)
    await enter(page, demo_site, "dora")
    await expect_draft(page)

    # The demo cannot query tables.
    await page.get_by_test_id("content-input").press("Enter")
    await expect(page.get_by_test_id("start-problem")).to_contain_text("cannot query tables")
    await page.get_by_test_id("dataset").get_by_role("button", name="Remove figures.csv").click()
    await page.get_by_test_id("content-input").press("Enter")
    await expect_finished(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text(QUESTION)
    await page.goto(f"{demo_site.url}/dashboard")
    await expect(page.get_by_test_id("content-input")).to_have_value("")
    await expect(sources).to_have_count(0)


async def _expect_no_record_of_what_is_unknown(page: Page) -> None:
    instrument, day = page.get_by_test_id("instrument-input"), page.get_by_test_id("as-of-input")
    await instrument.fill("Appel")
    await day.fill("2999-12-31")
    await page.get_by_test_id("start-conversation").click()
    await expect(page.locator("#id_instrument_error")).to_have_text(
        "There is no instrument 'Appel'. Did you mean AAPL?"
    )
    await expect(page.locator("#id_as_of_error")).to_have_text("Enter a time that has passed.")
    await instrument.fill("")
    await day.fill("")


async def test_a_debate_waits_until_one_of_five_ends(
    page: Page, live_site: Site, model: OpenAIServer
) -> None:
    model.answer(says("Hold.", gate=Gate()), to="Financial Analyst", times=6)
    await sign_in(page, live_site)
    running = [await post(page, "", {"topic": f"Question {number}?"}) for number in range(5)]
    await page.get_by_test_id("content-input").fill(QUESTION)
    await page.get_by_test_id("start-conversation").click()
    busy = page.get_by_test_id("busy")
    await expect(busy).to_contain_text("5 debates are already running (the maximum). Stop one or wait.")
    await expect(busy.get_by_role("link")).to_have_text([f"Question {number}?" for number in range(5)])
    assert await violations(page) == []

    await page.get_by_test_id("start-when-free").click()
    status = page.get_by_test_id("conversation-status")
    await expect(status).to_have_text("Queued")
    await post(page, f"{running[0]}/control", {"action": "cancel"})
    await expect(status).to_have_attribute("data-status", "active")

    waited = page.url.rstrip("/").rpartition("/")[2]
    for debate in [*running[1:], waited]:
        await post(page, f"{debate}/control", {"action": "cancel"})
    await expect_finished(page, "cancelled")
