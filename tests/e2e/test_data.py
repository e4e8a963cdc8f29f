"""A person asks about their own table, sees what came of it, takes it away, and deletes the data."""

from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.e2e.person import expect_finished, sign_up, start
from tests.e2e.site import Site
from tests.e2e.usable import violations
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import calls, says

pytestmark = pytest.mark.e2e

ROWS = "shop,day,amount,note\nNorth,2024-01-02,1200.50,=1+1\nSouth,2024-02-03,-80,x\nEast,2024-03-04,950,y\n"
SALES = FilePayload(name="sales.csv", mimeType="text/csv", buffer=ROWS.encode())
FIRST = "SELECT shop, sum(amount) AS total, max(note) AS note FROM sales GROUP BY shop ORDER BY total DESC"
SECOND = "SELECT max(total) AS top FROM (SELECT sum(amount) AS total FROM sales GROUP BY shop)"


async def test_result_of_a_query_is_shown_and_taken_away(
    page: Page, live_site: Site, model: OpenAIServer, tmp_path: Path
) -> None:
    model.answer(
        calls(("query", {"sql": FIRST})),
        says("North sold most, 1200.50 [E1]."),
        calls(("query", {"sql": SECOND})),
        says("Both agree in 1200.50 [E4]."),
        says("**North** sold most: 1200.50 [E1]."),
    )
    await sign_up(page, live_site, "nora")
    await page.get_by_test_id("source-files").set_input_files(SALES)
    await expect(page.get_by_test_id("dataset")).to_contain_text("3 rows, 4 columns")
    await start(page, "Which shop sold most in 2024?")
    await expect_finished(page)

    said = page.get_by_test_id("agent-message")
    await expect(said).to_have_count(4)
    await expect(said.nth(1)).to_contain_text("Checked by rules, without a model")
    await expect(said.nth(1)).to_contain_text("total adds up to 2,070.50, and so do the rows of sales.")
    query = said.first.get_by_test_id("tool-calls")
    await query.locator("summary").click()
    await expect(query.get_by_test_id("sql").locator(".keyword").first).to_have_text("SELECT")
    await expect(query.get_by_test_id("result").locator("tbody tr").first).to_have_text("North1200.50=1+1")
    await expect(query.get_by_test_id("result-chart").locator("canvas").first).to_be_visible()
    async with page.expect_download() as download:
        await query.get_by_test_id("result-csv").click()
    file = tmp_path / "result.csv"
    await (await download.value).save_as(file)
    assert file.read_text().splitlines() == [
        "shop,total,note",
        "North,1200.50,'=1+1",
        "East,950.00,y",
        "South,-80.00,x",
    ]
    assert await violations(page) == []

    # The composer says which debates lose the data before it deletes it.
    await page.goto(f"{live_site.url}/account/datasets/")
    await page.get_by_role("link", name="Ask about sales.csv").click()
    data = page.get_by_test_id("dataset")
    await data.locator("summary").click()
    await data.get_by_test_id("dataset-delete").click()
    await expect(data.get_by_role("link")).to_have_text("Which shop sold most in 2024?")
    await data.get_by_test_id("dataset-delete-confirm").click()
    await expect(data).to_have_count(0)
    await page.goto(f"{live_site.url}/account/datasets/")
    await expect(page.get_by_test_id("no-datasets")).to_be_visible()
